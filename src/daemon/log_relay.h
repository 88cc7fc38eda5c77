// stderr as a regular file: a write to one waits for its filesystem (ext4 knows no RWF_NOWAIT), and
// who answers permission events must not. A process of its own waits instead.
#pragma once

#include <sys/types.h>

#include "kernel/unique_fd.h"

namespace holdfast {

class LogRelay {
 public:
  // Where stderr is a regular file: from now on it is a pipe, and a child writes to the file what
  // comes through. Elsewhere, or where that fails, nothing changes. Before any thread is started.
  LogRelay();
  LogRelay(const LogRelay&) = delete;
  LogRelay& operator=(const LogRelay&) = delete;
  // stderr is the file again; waits, but not for long, until the last lines are in it.
  ~LogRelay();

 private:
  UniqueFd file_;
  pid_t child_ = -1;
};

}  // namespace holdfast
