// The file that a path argument of another process names, as that process would reach it: below its
// root directory, from its working directory or a descriptor of its. Descriptors are O_PATH.
// Lookups may hang in a filesystem of the caller's (BoundedCalls).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "kernel/unique_fd.h"

namespace holdfast {

// Pure: N of "/proc/self/fd/N" and the like, which would be this process's own here.
std::optional<int> own_descriptor(std::string_view path);

// A descriptor of the caller's; invalid: it has none of that number.
UniqueFd open_callers_descriptor(pid_t tid, int number);

// `directory`: AT_FDCWD, or a descriptor. Invalid: there is no such file, or no telling which one
// it is (a link of /proc that leads elsewhere; openat2 is needed, 5.6).
UniqueFd open_callers_path(pid_t tid, int directory, const std::string& path, bool follow);

// Where a new file would get its name. Nothing: the path has none, or the directory cannot be told.
struct CallersName {
  UniqueFd directory;
  std::string name;
};
std::optional<CallersName> find_callers_name(pid_t tid, int directory, const std::string& path);

}  // namespace holdfast
