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

// `ask` gives the blocked call.
template <typename AskSyscall>
bool has_write_intent(WriteAccess access, AskSyscall ask) {
  const OpenKind kind = classify_open(ask());
  if (kind == OpenKind::truncates) return true;
  if (access == WriteAccess::none) return false;
  // Somebody writes, or may: a certain reader beside another writer is a reader, all else is that
  // writer.
  return kind != OpenKind::reads;
}

}  // namespace holdfast
