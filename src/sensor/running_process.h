// A process that may have to be ended for what it runs. An interface, so that tests end none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "holdfast/result.h"
#include "kernel/file_stat.h"

namespace holdfast {

// How it was found. CLOCK_MONOTONIC.
struct Found {
  std::optional<std::int64_t> executed_ns;  // end of the exec that was heard of; nothing: a scan
  std::int64_t looked_ns = 0;               // right before it was asked what it runs
  bool at_exec() const { return executed_ns.has_value(); }
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
