#include "probe/attempts.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/memfd.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <future>
#include <memory>
#include <thread>

#include "kernel/change_group.h"
#include "kernel/fanotify.h"
#include "kernel/file_stat.h"
#include "kernel/memory_file.h"
#include "kernel/proc_connector.h"
#include "kernel/procfs.h"
#include "kernel/seccomp_listener.h"
#include "kernel/write_access.h"
#include "probe/sandbox.h"
#include "sensor/memfd_gate.h"
#include "sensor/write_intent.h"

namespace holdfast {
namespace {

constexpr unsigned kAlarmSeconds = 1;  // ends an opener, and whoever should have answered it
constexpr int kPatienceMs = 300;
constexpr std::string_view kScript = ProbeSandbox::kScript;

using Act = std::function<int()>;  // its errno, or 0
using Decide = std::function<bool(const FanotifyEvent&)>;

Finding works(std::string detail) { return {true, std::move(detail), ""}; }
Finding fails(const Error& error) {
  return {false, Error{error.code, error.what, ""}.message(), error.remedy};
}
Finding fails(std::string detail, std::string remedy = "") {
  return {false, std::move(detail), std::move(remedy)};
}

int errno_of(bool failed) { return failed ? errno : 0; }

// A child that acts, and its errno; `serve` is called until it has ended. ETIME: its alarm ended
// it.
int in_child(const Act& act, int descriptor_to_close, const std::function<void()>& serve) {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    alarm(kAlarmSeconds);
    // An opener that holds the group open would wait for itself once nobody answers.
    if (descriptor_to_close >= 0) close(descriptor_to_close);
    _exit(act());
  }
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(child, &status, WNOHANG)) == 0) serve();
  return ended == child && WIFEXITED(status) ? WEXITSTATUS(status) : ETIME;
}

int answered(FanotifyGroup& group, const Act& act, const Decide& allow) {
  return in_child(act, group.fd(), [&] {
    pollfd wait{group.fd(), POLLIN, 0};
    if (poll(&wait, 1, 5) != 1) return;
    Result<std::optional<FanotifyEvent>> event = group.read();
    if (!event || !*event || !(*event)->file.valid()) return;
    (void)group.answer((*event)->file.get(), allow(**event)).ok();
  });
}

Finding refusal(const std::string& what, int error) {
  if (error == EPERM) return works("refused");
  if (error == 0) return fails(what + " was not refused");
  return fails(Error{error, what + " instead of a refusal", ""});
}

// As the open gate decides.
bool reads(const FanotifyEvent& event) {
  return !has_write_intent(probe_write_access(event.file.get()),
                           classify_open(read_blocked_syscall(event.tid)));
}
bool is_no_exec(const FanotifyEvent& event) { return (event.mask & FAN_OPEN_EXEC_PERM) == 0; }

int open_error(const std::string& path, int flags) {
  const UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, 0755));
  return errno_of(!fd.valid());
}
int exec_error(const std::string& path) {
  std::array<char*, 2> arguments{const_cast<char*>("probe"), nullptr};
  std::array<char*, 1> environment{nullptr};
  execve(path.c_str(), arguments.data(), environment.data());
  return errno;
}

void try_gates(const ProbeSandbox& sandbox, const FindingSink& found) {
  const Result<std::shared_ptr<FanotifyGroup>> group = open_fanotify_group();
  if (!group) return;
  const std::string tool = sandbox.files() + "/tool";
  if (Status marked = (*group)->mark(MarkScope::filesystem, FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM,
                                     sandbox.files());
      !marked) {
    for (const Feature feature :
         {Feature::refuse_create, Feature::refuse_write, Feature::refuse_exec})
      found(feature, fails(marked.error()));
    return;
  }
  WriteAccess seen_reader = WriteAccess::unknown;
  WriteAccess seen_writer = WriteAccess::unknown;
  const int read_error = answered(
      **group, [&] { return open_error(tool, O_RDONLY); },
      [&](const FanotifyEvent& event) {
        seen_reader = probe_write_access(event.file.get());
        return true;
      });
  const int create_error = answered(
      **group, [&] { return open_error(sandbox.files() + "/new", O_WRONLY | O_CREAT); },
      [&](const FanotifyEvent& event) {
        seen_writer = probe_write_access(event.file.get());
        return reads(event);
      });
  // Each is told as it is known: whoever waits for the next one waits anew.
  if (seen_reader == WriteAccess::none && seen_writer == WriteAccess::held) {
    found(Feature::write_access, works("a lease tells a writer from a reader"));
  } else {
    found(Feature::write_access,
          fails("a lease does not tell a writer from a reader: its system call has to",
                "the process needs CAP_LEASE"));
  }
  found(Feature::refuse_create, read_error == 0
                                    ? refusal("a creation", create_error)
                                    : fails(Error{read_error, "an open that was allowed", ""}));
  const int write_error = answered(
      **group, [&] { return open_error(tool, O_WRONLY | O_TRUNC); }, reads);
  const std::optional<FileStat> left = stat_of_path(tool);
  const bool whole = left && left->stx_size == kScript.size();
  found(Feature::refuse_write,
        whole ? refusal("a write", write_error) : fails("a refused write had truncated the file"));
  found(Feature::refuse_exec,
        refusal("an execve", answered(
                                 **group, [&] { return exec_error(tool); }, is_no_exec)));
}

Finding try_memfd() {
  const Result<UniqueFd> file = make_memory_file("holdfast-probe", 0, {geteuid(), getegid()});
  if (!file) return fails(file.error());
  if (write(file->get(), kScript.data(), kScript.size()) < 0) return fails(errno_error("write"));
  const std::string path = "/proc/self/fd/" + std::to_string(file->get());
  const Result<std::shared_ptr<FanotifyGroup>> group = open_fanotify_group();
  if (!group) return fails(group.error());
  if (Status marked = (*group)->mark(MarkScope::inode, FAN_OPEN_EXEC_PERM, path); !marked)
    return fails(marked.error());
  const int error = answered(
      **group, [&] { return exec_error(path); }, is_no_exec);
  if (error == EACCES) return fails("memory files do not run here anyway (vm.memfd_noexec)");
  return refusal("the execve of a memory file", error);
}

// By marks on other files of all page sizes. What another process runs there is let happen.
Finding try_huge_memfd() {
  const std::vector<UniqueFd> others = huge_page_files();
  if (others.empty())
    return fails("no memory files of huge pages", "the kernel needs CONFIG_HUGETLBFS");
  const Result<std::shared_ptr<FanotifyGroup>> group = open_fanotify_group();
  if (!group) return fails(group.error());
  for (const UniqueFd& other : others) {
    Status marked = (*group)->mark(MarkScope::filesystem, FAN_OPEN_EXEC_PERM,
                                   "/proc/self/fd/" + std::to_string(other.get()));
    if (!marked) return fails(marked.error());
  }
  const Result<UniqueFd> file =
      make_memory_file("holdfast-probe", MFD_HUGETLB, {geteuid(), getegid()});
  if (!file) return fails(file.error());
  const std::optional<FileStat> own = stat_of(file->get());
  const int error = answered(
      **group, [&] { return exec_error("/proc/self/fd/" + std::to_string(file->get())); },
      [&](const FanotifyEvent& event) {
        const std::optional<FileStat> asked = stat_of(event.file.get());
        return !own || !asked || asked->stx_ino != own->stx_ino ||
               device_of(*asked) != device_of(*own);
      });
  if (error == EACCES) return fails("memory files do not run here anyway (vm.memfd_noexec)");
  return refusal("the execve of a memory file of huge pages", error);
}

// Installs a filter for this thread alone, hands over its listener, and calls memfd_create.
struct Notified {
  int result = -1;
  int error = 0;
};
Notified call_under_filter(std::promise<int>& listener) {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  const int fd = static_cast<int>(
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
  listener.set_value(fd >= 0 ? fd : -errno);
  if (fd < 0) return {-1, errno};
  const int result = memfd_create("holdfast-probe", MFD_CLOEXEC);
  return {result, errno_of(result < 0)};
}

// What the caller got, once its notification was answered.
Result<int> notified_call(const std::function<Status(SeccompListener&, std::uint64_t)>& answer) {
  std::promise<int> listener;
  std::future<int> handed_over = listener.get_future();
  Notified got;
  std::thread caller([&] { got = call_under_filter(listener); });
  const int number = handed_over.get();
  if (number < 0) {
    caller.join();
    return Error{-number, "install a seccomp filter with a listener",
                 "the kernel needs version 5.0 and CONFIG_SECCOMP_FILTER"};
  }
  const auto table = std::make_unique<DescriptorTable>();
  const HeldListeners held{*table, [] {}};
  Status told;
  {
    auto kernel = held.add("probe", UniqueFd(number));
    seccomp_notif notification{};
    pollfd wait{number, POLLIN, 0};
    if (!kernel) told = kernel.error();
    if (told && poll(&wait, 1, kPatienceMs) != 1)
      told = Error{ETIME, "wait for a notification", ""};
    if (told) told = (*kernel)->receive(notification);
    if (told) told = answer(**kernel, notification.id);
  }
  UniqueFd(number).reset();  // a caller that was not answered gets ENOSYS
  caller.join();
  const UniqueFd made(got.result);
  if (!told) return told.error();
  if (got.result < 0) return Error{got.error, "memfd_create", ""};
  return static_cast<int>(is_sealed(made.get()));
}

Finding try_seccomp_listener() {
  const Result<int> got = notified_call(
      [](SeccompListener& listener, std::uint64_t id) { return listener.let_happen(id); });
  if (got) return works("a call was asked about, and performed by the kernel");
  if (got.error().code == ENOSYS)  // what it gets instead
    return works("a call was asked about; the kernel cannot perform it then (5.5 can)");
  return fails(got.error());
}

// The file that it gets is known by its seals.
Finding try_seccomp_injection() {
  const Result<int> got = notified_call([](SeccompListener& listener, std::uint64_t id) -> Status {
    const UniqueFd file(memfd_create("holdfast-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) != 0)
      return errno_error("seal a memory file");
    return listener.return_descriptor(id, file.get(), true);
  });
  if (got && *got == 1) return works("a caller got a descriptor of another process");
  if (got) return fails("the caller got a file of its own");
  Error error = got.error();
  if (error.code == ENOTTY) error.remedy = "the kernel needs version 5.9";
  return fails(error);
}

Finding try_exec_events() {
  Result<ProcConnector> connector = ProcConnector::subscribe();
  if (!connector) return fails(connector.error());
  const pid_t child = fork();
  if (child < 0) return fails(errno_error("fork"));
  if (child == 0) {
    alarm(kAlarmSeconds);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO})
      if (null < 0 || dup2(null, stream) < 0) close(stream);
    execl("/proc/self/exe", "holdfast", "--version", nullptr);
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  pollfd wait{connector->fd(), POLLIN, 0};
  while (poll(&wait, 1, kPatienceMs) == 1) {
    for (const ExecEvent& event : connector->read().executed)
      if (event.process == child) return works("an execve was told of");
  }
  return fails("an execve was not told of",
               "it needs the host's pid namespace (hostPID) and the kernel CONFIG_PROC_EVENTS");
}

// A nameless file in the directory is changed: nothing is left there.
Finding try_change_events(const std::string& directory) {
  Result<ChangeGroup> group = ChangeGroup::open(directory);
  if (!group) {
    Error error = group.error();
    const bool no_handles = error.code == ENODEV || error.code == EOPNOTSUPP || error.code == EXDEV;
    if (no_handles && error.remedy.empty()) {
      error.remedy =
          "put the containers' store on a filesystem with file handles (ext4, xfs; tmpfs from "
          "kernel 6.1)";
    }
    return fails(error);
  }
  const UniqueFd file(open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!file.valid())
    return works("accepted for " + directory + ", not tried: it cannot be written to");
  if (fchmod(file.get(), 0700) != 0) return fails(errno_error("chmod in " + directory));
  pollfd wait{group->fd(), POLLIN, 0};
  if (poll(&wait, 1, kPatienceMs) != 1)
    return fails("a chmod in " + directory + " was not told of");
  return works("a chmod in " + directory + " was told of");
}

Finding try_birth_time(const std::string& directory) {
  const std::optional<FileStat> file = stat_of_path(directory);
  if (file && has_birth(*file)) return works("on " + directory);
  return fails("not on " + directory + ": files that were touched are compared by their bytes",
               "put the containers' store on a filesystem with birth times (ext4, xfs, btrfs)");
}

}  // namespace

void try_everything(const std::string& store, const FindingSink& tell, const ModulesSink& modules) {
  // Whoever waits for an answer of this process gets on when it dies.
  alarm(2 * kAlarmSeconds);
  const FindingSink found = [&](Feature feature, const Finding& finding) {
    tell(feature, finding);
    alarm(2 * kAlarmSeconds);
  };
  const Status allowed = try_permission_events();
  found(Feature::permission_events,
        allowed ? works("a permission mark was accepted") : fails(allowed.error()));
  Result<ProbeSandbox> sandbox = ProbeSandbox::enter();
  if (!sandbox) {
    found(Feature::overlay, fails(sandbox.error()));
  } else {
    modules(read_security_modules(*sandbox));
    const Status mounted = sandbox->mount_overlay();
    found(Feature::overlay, mounted ? works("mounted") : fails(mounted.error()));
    if (allowed) try_gates(*sandbox, found);
  }
  if (allowed) found(Feature::refuse_memfd, try_memfd());
  if (allowed) found(Feature::refuse_huge_memfd, try_huge_memfd());
  found(Feature::seccomp_listener, try_seccomp_listener());
  found(Feature::seccomp_injection, try_seccomp_injection());
  found(Feature::exec_events, try_exec_events());
  found(Feature::change_events, try_change_events(store));
  found(Feature::birth_time, try_birth_time(store));
  if (sandbox) found(Feature::tmpfs_change_events, try_change_events(sandbox->tmpfs()));
}

}  // namespace holdfast
