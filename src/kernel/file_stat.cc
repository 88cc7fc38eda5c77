#include "kernel/file_stat.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

namespace holdfast {

std::optional<FileStat> stat_of(int fd) {
  FileStat file{};
  if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &file) != 0)
    return std::nullopt;
  return file;
}

std::optional<FileStat> stat_of_path(const std::string& path, int flags) {
  FileStat file{};
  if (statx(AT_FDCWD, path.c_str(), flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
            STATX_BASIC_STATS | STATX_BTIME, &file) != 0) {
    return std::nullopt;
  }
  return file;
}

dev_t device_of(const FileStat& file) { return makedev(file.stx_dev_major, file.stx_dev_minor); }

}  // namespace holdfast
