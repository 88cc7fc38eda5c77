// Anonymous memory files: memfd_create(2).
#pragma once

#include <sys/types.h>

#include <vector>

#include "kernel/unique_fd.h"

namespace holdfast {

// st_dev of memory files: those of ordinary pages and those of huge pages (where the kernel has
// them). No mount shows these devices.
const std::vector<dev_t>& memory_file_devices();

// An empty one of each size of huge pages that this kernel has; none of them takes a page. Each
// size has a filesystem, which a mark on any of its files can cover.
std::vector<UniqueFd> huge_page_files();

// Sealed against every further change of its bytes (F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK).
// `fd` is open for reading.
bool is_sealed(int fd);

}  // namespace holdfast
