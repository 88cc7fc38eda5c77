// Opening a path below a directory without following symbolic links and without leaving it or its
// mount (openat2 only: a component walk does not notice mounts).
#pragma once

#include <fcntl.h>

#include <string>

#include "kernel/unique_fd.h"

namespace holdfast {

// How components are looked up: one openat2(2) (5.6), or one by one where that is missing.
enum class BeneathLookup : std::uint8_t { openat2, component_walk };

// openat2 where the kernel has it and no old seccomp filter refuses it; asked once.
BeneathLookup best_beneath_lookup();

// `relative` has no leading slash; "" is the directory itself. `flags` as for open(2); O_NOFOLLOW
// and O_CLOEXEC are added. Invalid with errno: ENOENT, ENOTDIR or ELOOP for a link on the way, ….
UniqueFd open_beneath(int directory, const std::string& relative, int flags,
                      BeneathLookup lookup = best_beneath_lookup());

}  // namespace holdfast
