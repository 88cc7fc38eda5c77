#include "alert/process_facts.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "alert/process_reader.h"
#include "kernel/procfs.h"

namespace holdfast {
namespace {

constexpr std::size_t kMaxArgs = 64;
constexpr std::size_t kMaxArgBytes = 1024;
constexpr int kMaxAncestors = 32;  // a longer chain is a process hiding behind forks

std::string first_line(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

bool starts_with_any(std::string_view name, const auto& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// A name is cut at 15 bytes by the kernel: "containerd-shim-runc-v2" is "containerd-shim".
constexpr std::array<std::string_view, 6> kRuntimes = {
    "containerd-shim", "docker-containe", "runc", "crun", "conmon", "youki"};
constexpr std::array<std::string_view, 8> kNeverEntry = {
    "containerd-shim", "docker-containe", "runc",        "crun",
    "conmon",          "youki",           "calico-node", "check-status"};

enum class Terminal { none, pseudo, serial, console };

// Device numbers: the kernel's admin-guide/devices.txt.
Terminal terminal_of(std::uint32_t tty) {
  constexpr unsigned kTtyMajor = 4, kFirstSerial = 64, kPtsFirst = 136, kPtsLast = 143;
  const unsigned device_major = major(tty);
  if (device_major >= kPtsFirst && device_major <= kPtsLast) return Terminal::pseudo;
  if (device_major != kTtyMajor) return Terminal::none;
  return minor(tty) < kFirstSerial ? Terminal::console : Terminal::serial;
}

const ProcessReader& host_processes() {
  // Never destroyed: a bounded call may still use it when the process ends.
  static const ProcessReader& reader = *new ProcessReader("/proc");
  return reader;
}

}  // namespace

std::string entry_type_of(const ProcStat& leader, std::string_view parent) {
  const Terminal terminal = terminal_of(leader.tty);
  if (terminal == Terminal::serial) return "terminal";
  if (terminal == Terminal::console && leader.name == "login") return "console";
  if (leader.parent == 1) return "init";
  if (starts_with_any(leader.name, kNeverEntry)) return "";
  if (terminal == Terminal::pseudo && parent == "ssm-session-wor") return "ssm";
  if (parent == "sshd" && leader.name != "sshd") return "sshd";
  if (starts_with_any(parent, kRuntimes)) return "container";
  return "";
}

ProcessReader::ProcessReader(std::string proc)
    : proc_(std::move(proc)), ticks_per_second_(std::max(1L, sysconf(_SC_CLK_TCK))) {
  if (auto text = read_small_file(proc_ + "/sys/kernel/random/boot_id")) {
    boot_id_ = first_line(std::move(*text));
  }
  if (auto text = read_small_file(proc_ + "/stat")) boot_time_ = parse_boot_time(*text);
  // The namespace the pids of this /proc are counted in, not the process's own.
  if (auto link = read_link(proc_ + "/self/ns/pid")) pid_namespace_ = parse_namespace_link(*link);
}

std::string ProcessReader::path(pid_t pid, const char* name) const {
  return proc_ + "/" + std::to_string(pid) + "/" + name;
}

std::optional<ProcStat> ProcessReader::read_stat(pid_t pid) const {
  if (pid <= 0) return std::nullopt;
  Result<std::string> text = read_small_file(path(pid, "stat"), 4096);
  if (!text) return std::nullopt;
  return parse_proc_stat(*text);
}

ProcessReader::Found ProcessReader::find(pid_t pid, Args args) const {
  Found found;
  if (pid <= 0) return found;
  ProcessFacts& facts = found.facts;
  facts.pid = pid;
  if (auto text = read_small_file(path(pid, "status"), 8192)) {
    if (const auto status = parse_proc_status(*text)) {
      facts.pid = status->thread_group;  // `pid` may name another thread of the group
      facts.uid = status->effective_uid;
      facts.gid = status->effective_gid;
    }
  }
  found.stat = read_stat(facts.pid);
  if (const auto& stat = found.stat) {
    facts.name = stat->name;
    facts.interactive = stat->tty != 0;
    if (boot_time_) {
      facts.start_seconds =
          *boot_time_ + static_cast<std::int64_t>(stat->start_ticks) / ticks_per_second_;
    }
    if (facts.start_seconds && pid_namespace_ && !boot_id_.empty()) {
      facts.entity_id =
          process_entity_id(*pid_namespace_, boot_id_, facts.pid, *facts.start_seconds);
    }
  }
  if (args == Args::read) {
    if (auto text = read_small_file(path(facts.pid, "cmdline"), kMaxArgs * kMaxArgBytes)) {
      facts.args = parse_cmdline(*text, kMaxArgs, kMaxArgBytes);
    }
  }
  if (auto link = read_link(path(facts.pid, "exe"))) facts.executable = without_deleted_mark(*link);
  if (auto link = read_link(path(facts.pid, "cwd"))) {
    facts.working_directory = without_deleted_mark(*link);
  }
  return found;
}

ProcessFacts ProcessReader::facts(pid_t pid, Args args) const { return find(pid, args).facts; }

// From those read before, as each read costs several microseconds.
std::optional<ProcStat> ProcessReader::stat_of(pid_t pid, const std::vector<ProcStat>& seen) const {
  for (const ProcStat& stat : seen) {
    if (stat.pid == pid) return stat;
  }
  return read_stat(pid);
}

// The nearest ancestor-or-self that leads a session and entered from outside.
std::optional<ProcessReader::Entry> ProcessReader::find_entry(
    const ProcStat& process, const std::vector<ProcStat>& seen) const {
  ProcStat current = process;
  for (int step = 0; step < kMaxAncestors; ++step) {
    // 1 is init and 2 the parent of the kernel's threads: no session of theirs was entered.
    if (current.pid <= 2 || current.parent == 2) return std::nullopt;
    const std::optional<ProcStat> parent = stat_of(current.parent, seen);
    if (current.pid == current.session) {
      std::string type = entry_type_of(current, parent ? parent->name : "");
      if (!type.empty()) return Entry{current.pid, std::move(type)};
    }
    if (!parent) return std::nullopt;
    current = *parent;
  }
  return std::nullopt;
}

ProcessTree ProcessReader::tree(pid_t pid, Args args) const {
  ProcessTree tree;
  Found found = find(pid, args);
  tree.process = std::move(found.facts);
  if (!found.stat) return tree;
  const ProcStat& stat = *found.stat;

  std::vector<ProcStat> seen = {stat};
  // Leaders are often the same process; each is read once.
  const auto relative = [&](pid_t wanted) -> std::optional<ProcessFacts> {
    if (wanted <= 0) return std::nullopt;
    if (wanted == tree.process.pid) return tree.process;
    for (const auto* known : {&tree.parent, &tree.session_leader, &tree.group_leader}) {
      if (*known && (*known)->pid == wanted) return *known;
    }
    Found other = find(wanted, args);
    if (!other.stat) return std::nullopt;  // gone: a bare pid would soon name someone else
    seen.push_back(*other.stat);
    return std::move(other.facts);
  };
  tree.parent = relative(stat.parent);
  tree.session_leader = relative(stat.session);
  tree.group_leader = relative(stat.group);
  std::optional<Entry> entry = find_entry(stat, seen);
  if (!entry && stat.session != stat.pid) {
    // An orphan's parent is whoever adopted it; its session is still the one it came with.
    if (const auto session = stat_of(stat.session, seen)) entry = find_entry(*session, seen);
  }
  if (entry) {
    tree.entry_leader = relative(entry->leader);
    if (tree.entry_leader) tree.entry_type = std::move(entry->type);
  } else if (tree.session_leader && stat.pid > 2) {
    tree.entry_leader = tree.session_leader;
    tree.entry_type = "unknown";
  }
  return tree;
}

ProcessTree read_process_tree(pid_t pid, Args args) { return host_processes().tree(pid, args); }

ProcessTree read_process_tree_within(BoundedCalls& calls, const std::string& owner,
                                     std::chrono::milliseconds limit, pid_t pid) {
  auto tree = calls.run(owner, limit, [pid] { return read_process_tree(pid); });
  if (tree) return std::move(*tree);
  ProcessTree without_args = read_process_tree(pid, Args::skip);
  without_args.args_unread = true;
  return without_args;
}

ProcessFacts read_process_facts(pid_t pid, Args args) { return host_processes().facts(pid, args); }

}  // namespace holdfast
