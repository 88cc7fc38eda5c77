// Runs of drift that were let happen. The gate and the exec watch see the same act, one after the
// other in an order that nobody knows: the first of the two reports it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "kernel/file_stat.h"
#include "sensor/running_process.h"

namespace holdfast {

// Thread-safe; keeps the latest.
class LetRun {
 public:
  // The process ran the file. True: the other has not seen that yet.
  bool seen_by_gate(pid_t process, const FileStat& file) {
    std::lock_guard lock(mutex_);
    Run& run = find_or_add(process, file);
    return ++run.by_gate > run.by_watch;
  }
  // The process was seen running the file. True: nobody knows of that yet.
  bool seen_by_watch(pid_t process, const FileStat& file, Found found) {
    std::lock_guard lock(mutex_);
    Run& run = find_or_add(process, file);
    const bool may_be_starting = std::exchange(run.may_be_starting, false);
    if (found.at_exec()) {
      // An earlier look has met this run: the program is seen before its exec ends and is heard of.
      const std::int64_t met_until = run.looked_ns + (may_be_starting ? kExecTakesNs : 0);
      if (*found.executed_ns < met_until) return false;
    }
    const bool is_news =
        found.at_exec() ? ++run.by_watch > run.by_gate : run.by_gate == 0 && run.by_watch == 0;
    if (is_news && !found.at_exec()) ++run.by_watch;
    run.looked_ns = found.looked_ns;
    run.may_be_starting = is_news;
    return is_news;
  }
  // It was ended after all: its number may soon be another's.
  void forget(pid_t process, const FileStat& file) {
    std::lock_guard lock(mutex_);
    std::erase_if(runs_, [&](const Run& run) { return run.is(process, file); });
  }

 private:
  static constexpr std::size_t kMostRuns = 512;
  // From when /proc shows the program to the exec's end, on a machine that is busy.
  static constexpr std::int64_t kExecTakesNs = 1'000'000'000;
  struct Run {
    pid_t process;
    dev_t device;
    ino_t inode;
    std::uint32_t by_gate = 0, by_watch = 0;
    std::int64_t looked_ns = 0;    // when the watch looked last
    bool may_be_starting = false;  // that look may have met an exec that is still to be heard of
    bool is(pid_t other, const FileStat& file) const {
      return process == other && inode == file.stx_ino && device == device_of(file);
    }
  };

  Run& find_or_add(pid_t process, const FileStat& file) {
    for (Run& run : runs_) {
      if (run.is(process, file)) return run;
    }
    if (runs_.size() == kMostRuns) runs_.pop_front();
    return runs_.emplace_back(Run{process, device_of(file), file.stx_ino});
  }

  std::mutex mutex_;
  std::deque<Run> runs_;
};

}  // namespace holdfast
