// Parsers for the text of /proc/PID files (proc(5)) and the entity id made of it. Pure functions:
// the text is foreign, a process chooses its own name and arguments.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// The fields of /proc/PID/stat that alerts need.
struct ProcStat {
  pid_t pid = 0;
  std::string name;               // comm: any bytes, spaces and parentheses included
  pid_t parent = 0;               // 0: none, or outside the reader's pid namespace
  pid_t group = 0;                // process group leader's pid; 0 as above
  pid_t session = 0;              // session leader's pid; 0 as above
  std::uint32_t tty = 0;          // device number of the controlling terminal; 0: none
  std::uint64_t start_ticks = 0;  // since boot, in units of 1/sysconf(_SC_CLK_TCK) s
};
std::optional<ProcStat> parse_proc_stat(std::string_view text);

// The fields of /proc/PID/status that alerts need.
struct ProcStatus {
  pid_t thread_group = 0;
  std::optional<uid_t> effective_uid;
  std::optional<gid_t> effective_gid;
};
std::optional<ProcStatus> parse_proc_status(std::string_view text);

// Arguments of /proc/PID/cmdline: at most `max_args`, each cut at `max_bytes`. Empty arguments at
// the end are left out: processes that set their title leave the rest of the area zeroed.
std::vector<std::string> parse_cmdline(std::string_view text, std::size_t max_args,
                                       std::size_t max_bytes);

// Boot time in unix seconds: the btime line of /proc/stat.
std::optional<std::int64_t> parse_boot_time(std::string_view proc_stat);

// The number in "pid:[4026531836]", what a link below /proc/PID/ns says.
std::optional<std::uint64_t> parse_namespace_link(std::string_view link);

// What /proc/PID/exe says, without the kernel's " (deleted)" mark of an unlinked file.
std::string_view without_deleted_mark(std::string_view link);

// base64("<pid namespace inode>__<boot id>__<pid>__<start, unix seconds>"): the form in which
// Elastic's agents name a process, so that documents of both can be joined.
std::string process_entity_id(std::uint64_t pid_namespace, std::string_view boot_id, pid_t pid,
                              std::int64_t start_seconds);

}  // namespace holdfast
