// A process that may have to be ended for what it runs. An interface, so that tests end none.
#pragma once

#include <sys/types.h>

#include "holdfast/result.h"
#include "kernel/file_stat.h"

namespace holdfast {

// How it was found: right after the exec, or some time later.
struct Found {
  bool at_exec = false;      // else some time later
  std::int64_t time_ns = 0;  // CLOCK_MONOTONIC: of the exec, or of the look
};

class RunningProcess {
 public:
  virtual ~RunningProcess() = default;
  virtual pid_t pid() const = 0;
  // It is still a process of its container, and runs that file.
  virtual bool still_runs(const FileStat& file) const = 0;
  // ESRCH: it has ended.
  virtual Status signal(int number) const = 0;
};

}  // namespace holdfast
