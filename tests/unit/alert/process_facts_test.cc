#include "alert/process_facts.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "alert/process_reader.h"
#include "alert_samples.h"

namespace holdfast {
namespace {

constexpr int kPts = 34816;  // 136:0
constexpr int kSerial = 4 << 8 | 64;
constexpr int kConsole = 4 << 8 | 1;

// A /proc of files: what the kernel would say about a few processes.
class ProcTree : public testing::Test {
 protected:
  ProcTree() {
    write("sys/kernel/random/boot_id", "58842e5e-4780-43fa-be88-e935d902266f\n");
    write("stat", "cpu 1\nbtime 1698255000\n");
    link("self/ns/pid", "pid:[4026531836]");
  }

  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(directory_ / name).parent_path());
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }
  void link(const std::string& name, const std::string& target) {
    std::filesystem::create_directories(std::filesystem::path(directory_ / name).parent_path());
    std::filesystem::create_symlink(target, directory_ / name);
  }
  void add(pid_t pid, const std::string& name, pid_t parent, pid_t group, pid_t session,
           int tty = 0) {
    const std::string number = std::to_string(pid);
    const std::int64_t ticks = 151 * sysconf(_SC_CLK_TCK);
    write(number + "/stat", number + " (" + name + ") S " + std::to_string(parent) + " " +
                                std::to_string(group) + " " + std::to_string(session) + " " +
                                std::to_string(tty) + " -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 " +
                                std::to_string(ticks) + " 1 1\n");
    write(number + "/status",
          "Name:\t" + name + "\nTgid:\t" + number + "\nUid:\t0\t33\t0\t0\nGid:\t0\t34\t0\t0\n");
    write(number + "/cmdline", name + std::string("\0-v\0", 4));
    link(number + "/exe", "/bin/" + name);
    link(number + "/cwd", "/srv");
  }
  ProcessTree tree(pid_t pid) const { return ProcessReader(directory_ / "").tree(pid); }

  TemporaryDirectory directory_;
};

TEST_F(ProcTree, OneProcess) {
  add(10666, "a) b", 1, 1, 1, kPts);
  const ProcessFacts facts = ProcessReader(directory_ / "").facts(10666);
  EXPECT_EQ(facts.pid, 10666);
  EXPECT_EQ(facts.name, "a) b");
  EXPECT_EQ(facts.executable, "/bin/a) b");
  EXPECT_EQ(facts.args, (std::vector<std::string>{"a) b", "-v"}));
  EXPECT_EQ(facts.working_directory, "/srv");
  EXPECT_EQ(facts.start_seconds, 1698255151);
  EXPECT_EQ(facts.uid, 33U);
  EXPECT_EQ(facts.gid, 34U);
  EXPECT_EQ(facts.interactive, true);
  EXPECT_EQ(facts.entity_id,
            "NDAyNjUzMTgzNl9fNTg4NDJlNWUtNDc4MC00M2ZhLWJlODgtZTkzNWQ5MDIyNjZmX18xMDY2Nl9fMTY5ODI1NT"
            "E1MQ==");
}

TEST_F(ProcTree, ContainerEntry) {
  add(1, "systemd", 0, 1, 1);
  add(50, "containerd-shim", 1, 50, 40);
  add(60, "nginx", 50, 60, 60);
  add(70, "sh", 60, 70, 60);
  add(71, "cp", 70, 70, 60);
  const ProcessTree found = tree(71);
  EXPECT_EQ(found.process.name, "cp");
  EXPECT_EQ(found.parent.value().name, "sh");
  EXPECT_EQ(found.group_leader.value().name, "sh");
  EXPECT_EQ(found.session_leader.value().name, "nginx");
  EXPECT_EQ(found.entry_leader.value().pid, 60);
  EXPECT_EQ(found.entry_type, "container");
}

TEST_F(ProcTree, EntryIsInheritedThroughInnerSessions) {
  add(50, "conmon", 1, 50, 50);
  add(60, "tini", 50, 60, 60);
  add(70, "setsid-sh", 60, 70, 70);
  add(71, "cp", 70, 71, 70);
  const ProcessTree found = tree(71);
  EXPECT_EQ(found.session_leader.value().pid, 70);
  EXPECT_EQ(found.entry_leader.value().pid, 60);
  EXPECT_EQ(found.entry_type, "container");
}

TEST_F(ProcTree, OrphanFindsTheEntryThroughItsSession) {
  add(1, "systemd", 0, 1, 1);
  add(50, "crun", 1, 50, 50);
  add(60, "bash", 50, 60, 60, kPts);
  add(71, "cp", 1, 60, 60, kPts);
  const ProcessTree found = tree(71);
  EXPECT_EQ(found.entry_leader.value().pid, 60);
  EXPECT_EQ(found.entry_type, "container");
}

TEST_F(ProcTree, ParentOutsideThePidNamespace) {
  add(60, "nginx", 0, 60, 60);
  const ProcessTree found = tree(60);
  EXPECT_FALSE(found.parent);
  EXPECT_EQ(found.session_leader.value().pid, 60);
  EXPECT_EQ(found.entry_leader.value().pid, 60);
  EXPECT_EQ(found.entry_type, "unknown");
}

TEST_F(ProcTree, InitAndKernelThreadsHaveNoEntry) {
  add(1, "systemd", 0, 1, 1);
  add(2, "kthreadd", 0, 0, 0);
  add(9, "kworker/0:1", 2, 0, 0);
  EXPECT_FALSE(tree(1).entry_leader);
  EXPECT_FALSE(tree(9).entry_leader);
}

TEST_F(ProcTree, LoopOfParentsEnds) {
  add(60, "a", 61, 60, 59);
  add(61, "b", 60, 60, 59);
  EXPECT_FALSE(tree(60).entry_leader);
}

TEST_F(ProcTree, GoneOrUnreadable) {
  const ProcessTree gone = tree(4000);
  EXPECT_EQ(gone.process.pid, 4000);
  EXPECT_TRUE(gone.process.name.empty());
  EXPECT_FALSE(gone.process.uid);
  EXPECT_FALSE(gone.parent);
  EXPECT_EQ(tree(0).process.pid, 0);
  EXPECT_EQ(tree(-1).process.pid, 0);

  write("80/stat", "80 (cp");  // cut short
  write("80/status", "Tgid:\t80\nUid:\t0\t5\t0\t0\n");
  const ProcessTree cut = tree(80);
  EXPECT_EQ(cut.process.uid, 5U);
  EXPECT_TRUE(cut.process.entity_id.empty());
  EXPECT_FALSE(cut.process.interactive);
}

TEST_F(ProcTree, RelativesThatAreGoneAreAbsent) {
  add(71, "cp", 70, 69, 68);
  const ProcessTree found = tree(71);
  EXPECT_FALSE(found.parent);
  EXPECT_FALSE(found.group_leader);
  EXPECT_FALSE(found.session_leader);
  EXPECT_FALSE(found.entry_leader);
  EXPECT_TRUE(found.entry_type.empty());
}

TEST_F(ProcTree, ThreadBecomesItsGroup) {
  add(70, "java", 1, 70, 70);
  write("75/status", "Tgid:\t70\nUid:\t0\t1\t0\t0\n");
  write("75/stat", text_of(directory_ / "70/stat"));
  const ProcessFacts facts = ProcessReader(directory_ / "").facts(75);
  EXPECT_EQ(facts.pid, 70);
  EXPECT_EQ(facts.name, "java");
}

TEST_F(ProcTree, DeletedExecutable) {
  add(70, "x", 1, 70, 70);
  std::filesystem::remove(directory_ / "70/exe");
  link("70/exe", "/tmp/x (deleted)");
  EXPECT_EQ(ProcessReader(directory_ / "").facts(70).executable, "/tmp/x");
}

TEST_F(ProcTree, WithoutBootIdNoEntityId) {
  add(70, "x", 1, 70, 70);
  std::filesystem::remove(directory_ / "sys/kernel/random/boot_id");
  const ProcessFacts facts = ProcessReader(directory_ / "").facts(70);
  EXPECT_EQ(facts.start_seconds, 1698255151);
  EXPECT_TRUE(facts.entity_id.empty());
}

TEST(EntryTypeOf, RulesInOrder) {
  const auto type = [](const char* name, pid_t parent, int tty, const char* parent_name) {
    ProcStat stat;
    stat.pid = stat.session = stat.group = 70;
    stat.name = name;
    stat.parent = parent;
    stat.tty = static_cast<std::uint32_t>(tty);
    return entry_type_of(stat, parent_name);
  };
  EXPECT_EQ(type("bash", 9, kSerial, "x"), "terminal");
  EXPECT_EQ(type("login", 9, kConsole, "x"), "console");
  EXPECT_EQ(type("bash", 9, kConsole, "x"), "");
  EXPECT_EQ(type("cron", 1, 0, "systemd"), "init");
  EXPECT_EQ(type("bash", 9, kPts, "ssm-session-wor"), "ssm");
  EXPECT_EQ(type("bash", 9, 0, "ssm-session-wor"), "");
  EXPECT_EQ(type("bash", 9, kPts, "sshd"), "sshd");
  EXPECT_EQ(type("sshd", 9, 0, "sshd"), "");
  for (const char* runtime : {"containerd-shim", "runc", "runc:[1:CHILD]", "crun", "conmon",
                              "youki", "docker-containe"}) {
    EXPECT_EQ(type("nginx", 9, 0, runtime), "container") << runtime;
  }
  EXPECT_EQ(type("runc:[2:INIT]", 9, 0, "containerd-shim"), "");
  EXPECT_EQ(type("sh", 9, kPts, "bash"), "");
}

// The real /proc.
TEST(ReadProcess, TellsAboutThisOne) {
  const ProcessTree tree = read_process_tree(getpid());
  EXPECT_EQ(tree.process.pid, getpid());
  EXPECT_EQ(tree.process.uid, geteuid());
  EXPECT_EQ(tree.process.executable, std::filesystem::read_symlink("/proc/self/exe"));
  EXPECT_EQ(tree.process.working_directory, std::filesystem::current_path());
  EXPECT_FALSE(tree.process.entity_id.empty());
  EXPECT_EQ(tree.process.entity_id, read_process_facts(getpid()).entity_id);
  EXPECT_LE(std::abs(*tree.process.start_seconds - time(nullptr)), 3600);
  pid_t thread = 0;
  std::thread([&] {
    thread = gettid();
    EXPECT_EQ(read_process_facts(thread).pid, getpid());
  }).join();
  EXPECT_NE(thread, getpid());
}

TEST(ReadProcess, ZombieHasNoExecutable) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  const ProcessFacts facts = read_process_facts(child);
  EXPECT_FALSE(facts.name.empty());
  EXPECT_TRUE(facts.executable.empty());
  EXPECT_TRUE(facts.args.empty());
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

}  // namespace
}  // namespace holdfast
