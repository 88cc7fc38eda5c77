// /proc as functions: what the gates ask about a blocked thread and its process.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/result.h"

namespace holdfast {

// The system call a thread is blocked in: proc_pid_syscall(5).
struct BlockedSyscall {
  long number = -1;
  std::array<std::uint64_t, 6> args{};
};

// Text of /proc/PID/syscall; nullopt for "running", "-1 …" and malformed text.
std::optional<BlockedSyscall> parse_syscall(std::string_view text);

// Asks a few times when the thread still shows as running (it has just blocked).
std::optional<BlockedSyscall> read_blocked_syscall(pid_t tid);

// A file below /proc, cgroup files and small state files: whole text, at most `limit` bytes.
Result<std::string> read_small_file(const std::string& path, std::size_t limit = 1 << 20);
Result<std::string> read_link(const std::string& path);

// The path under which the kernel knows an open descriptor ("… (deleted)" when unlinked).
Result<std::string> path_of_descriptor(int fd);

// The mount that a descriptor lies on (fdinfo has it since 3.15, statx since 5.8); -1: unknown.
int mount_id_of(int fd);
int parse_mount_id(std::string_view fdinfo);  // pure, of its text

// Thread group of a thread; nullopt when it is gone.
std::optional<pid_t> thread_group_of(pid_t tid);

// Identity of what /proc/PID/ns/NAME or /proc/PID/root refers to; nullopt when it is gone.
struct ObjectId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const ObjectId&) const = default;
};
std::optional<ObjectId> object_id(const std::string& path);

}  // namespace holdfast
