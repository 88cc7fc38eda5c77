#include "sensor/write_intent.h"

#include <fcntl.h>
#include <sys/syscall.h>

namespace holdfast {
namespace {

OpenKind classify_flags(std::uint64_t flags) {
  if ((flags & O_TRUNC) != 0) return OpenKind::truncates;
  return (flags & O_ACCMODE) == O_RDONLY ? OpenKind::reads : OpenKind::writes;
}

}  // namespace

// The number is the thread's own table's. A 32-bit caller's numbers mean other calls; none of those
// with the numbers asked for here opens a file, so such a caller is `unclear`, never `reads`.
OpenKind classify_open(const std::optional<BlockedSyscall>& call) {
  if (!call) return OpenKind::unclear;
  switch (call->number) {
#ifdef SYS_open
    case SYS_open:
      return classify_flags(call->args[1]);
    case SYS_creat:
      return OpenKind::truncates;
#endif
    case SYS_openat:
      return classify_flags(call->args[2]);
    case SYS_execve:
    case SYS_execveat:
      return OpenKind::reads;
    default:
      return OpenKind::unclear;
  }
}

bool is_exec(const std::optional<BlockedSyscall>& call) {
  return call && (call->number == SYS_execve || call->number == SYS_execveat);
}

}  // namespace holdfast
