// A memory file (memfd_create(2)) of a container: made for its caller with a mark that raises a
// permission event at each execve of it, and judged at that event.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"
#include "sensor/gates.h"

namespace holdfast {

// Whose the file is to be: the caller's, in its user namespace, as global ids.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};
// Pure: the filesystem ids in the text of /proc/TID/status.
std::optional<Owner> filesystem_ids(std::string_view proc_status);

// The error is what memfd_create(2) would have said to the caller. EPERM for one of this process's
// own limits would be a lie: ENFILE.
Result<UniqueFd> make_memory_file(const std::string& name, unsigned flags, Owner owner);

// FAN_OPEN_EXEC_PERM on a memory file: an act in any case. Nothing: the file is none.
std::optional<Act> memfd_gate(EventFacts& facts);

}  // namespace holdfast
