// Is an open a write? Decided from the lease probe and the blocked system call: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/procfs.h"
#include "kernel/write_access.h"

namespace holdfast {

enum class OpenKind : std::uint8_t {
  reads,      // open or openat with O_RDONLY, execve: cannot write through what it gets
  truncates,  // O_TRUNC, whatever the access mode: destroys content although the lease sees nobody
  writes,     // O_WRONLY or O_RDWR, creat
  unclear,    // the flags are behind a pointer (openat2), another call (io_uring), or not known
};

// Only register arguments are believed: what a pointer refers to can change while we look.
OpenKind classify_open(const std::optional<BlockedSyscall>& call);

// execve or execveat.
bool is_exec(const std::optional<BlockedSyscall>& call);

// A certain reader beside another writer is a reader; all else that may write is that writer.
constexpr bool has_write_intent(WriteAccess access, OpenKind kind) {
  return kind == OpenKind::truncates || (access != WriteAccess::none && kind != OpenKind::reads);
}

}  // namespace holdfast
