// statx(2) of open files, and arithmetic on its times.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast {

using FileStat = struct statx;

std::optional<FileStat> stat_of(
    int fd);  // basic facts and, where the filesystem has it, birth time

// The same by path, from what the kernel knows already: a path that a container chose may lead to a
// FUSE or network filesystem whose server does not answer. Mounts nothing.
std::optional<FileStat> stat_of_path(const std::string& path, int flags = 0);

dev_t device_of(const FileStat& file);

inline bool has_birth(const FileStat& file) { return (file.stx_mask & STATX_BTIME) != 0; }
inline bool is_regular(const FileStat& file) { return S_ISREG(file.stx_mode); }
inline bool has_execute_bit(const FileStat& file) { return (file.stx_mode & 0111) != 0; }

// Nanoseconds since the epoch.
inline std::int64_t nanoseconds(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace holdfast
