// The empty file that a refused creation leaves behind (the kernel creates before it asks).
#pragma once

#include <string>
#include <vector>

#include "kernel/file_stat.h"

namespace holdfast {

// Takes the x bits away through the descriptor: no race.
void disarm_leftover(int fd, const FileStat& file);

// Unlinks the file below the first of `roots` (directories that show where it lies, on `device`)
// where `path` still names the same empty inode. True when it is gone.
bool remove_leftover(int fd, const FileStat& file, const std::string& path,
                     const std::vector<std::string>& roots, dev_t device);

}  // namespace holdfast
