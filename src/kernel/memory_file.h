// Anonymous memory files: memfd_create(2).
#pragma once

#include <sys/types.h>

#include <vector>

namespace holdfast {

// st_dev of memory files: those of ordinary pages and those of huge pages (where the kernel has
// them). No mount shows these devices.
const std::vector<dev_t>& memory_file_devices();

// Sealed against every further change of its bytes (F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK).
// `fd` is open for reading.
bool is_sealed(int fd);

}  // namespace holdfast
