#include "kernel/file_stat.h"

namespace holdfast {

std::optional<FileStat> stat_of(int fd) {
  FileStat file{};
  if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &file) != 0)
    return std::nullopt;
  return file;
}

}  // namespace holdfast
