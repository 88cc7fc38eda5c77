// What /proc tells about a process and its relatives, for an alert document.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
};

// Reads /proc once for each relative. Never fails: what cannot be read stays empty. Opens no file
// of the process itself (that could be a marked one). Some 35 us for each process that is read.
ProcessTree read_process_tree(pid_t pid);

// The process alone: what the policy engine and coalescing need.
ProcessFacts read_process_facts(pid_t pid);

}  // namespace holdfast
