#include "kernel/process_handle.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace holdfast {

ProcessHandle::ProcessHandle(pid_t pid)
    : pid_(pid), pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {
  // EPERM: an older seccomp filter around this process.
  by_number_ = !pidfd_.valid() && (errno == ENOSYS || errno == EPERM);
}

Status ProcessHandle::signal(int number) const {
  const std::string what =
      "send signal " + std::to_string(number) + " to process " + std::to_string(pid_);
  if (!pidfd_.valid() && !by_number_) return Error{ESRCH, what, ""};
  const long done = by_number_ ? kill(pid_, number)
                               : syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
  if (done == 0) return {};
  return errno_error(what);
}

}  // namespace holdfast
