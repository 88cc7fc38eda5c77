// A process that signals reach and no other: a pidfd (5.3), or where there is none its number.
#pragma once

#include <sys/types.h>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

class ProcessHandle {
 public:
  // What is asked of /proc/PID after this, and found as expected, holds for the process that the
  // signals go to: its number is not reused while it lives.
  explicit ProcessHandle(pid_t pid);

  pid_t pid() const { return pid_; }
  // ESRCH: it has ended.
  Status signal(int number) const;

 private:
  pid_t pid_;
  UniqueFd pidfd_;
  bool by_number_ = false;
};

}  // namespace holdfast
