// What /proc tells about a process and its relatives, for an alert document.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernel/bounded_call.h"

namespace holdfast {

struct ProcessFacts {
  pid_t pid = 0;                  // thread group id in the host's pid namespace
  std::string name;               // comm
  std::string executable;         // readlink of exe, as the container sees it; empty if unknown
  std::vector<std::string> args;  // at most 64, each at most 1 KiB
  std::string working_directory;
  std::optional<std::int64_t> start_seconds;  // unix time
  std::optional<uid_t> uid;                   // effective
  std::optional<gid_t> gid;
  std::optional<bool> interactive;  // tty_nr != 0
  std::string entity_id;            // base64(pid_ns_inode__boot_id__pid__start)
};

struct ProcessTree {
  ProcessFacts process;
  std::optional<ProcessFacts> parent;
  std::optional<ProcessFacts> session_leader;
  std::optional<ProcessFacts> group_leader;
  std::optional<ProcessFacts> entry_leader;  // session leader whose parent is a runtime shim
  std::string entry_type;                    // "container", "init", … ; empty if unknown
  bool args_unread = false;                  // arguments could not be read in time
};

// Arguments are read from the process's memory: that waits for its mmap lock, which a hostile
// process can hold for ever. Everything else of it is asked without that lock.
enum class Args : std::uint8_t { read, skip };

// Reads /proc once for each relative. Never fails: what cannot be read stays empty. Opens no file
// of the process itself (that could be a marked one). Some 35 us for each process that is read.
ProcessTree read_process_tree(pid_t pid, Args args = Args::read);

// The same within `limit`, without any arguments when they cannot be had by then. `owner` is the
// container whose process may be to blame.
ProcessTree read_process_tree_within(BoundedCalls& calls, const std::string& owner,
                                     std::chrono::milliseconds limit, pid_t pid);

// The process alone: what the policy engine and coalescing need.
ProcessFacts read_process_facts(pid_t pid, Args args = Args::read);

}  // namespace holdfast
