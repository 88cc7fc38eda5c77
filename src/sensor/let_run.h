// Runs of drift that were let happen. The gate and the exec watch see the same act, one after the
// other in an order that nobody knows: the first of the two reports it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "kernel/file_stat.h"

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
  // `executed_ns`: when; CLOCK_MONOTONIC, as `now_ns`.
  bool seen_by_watch(pid_t process, const FileStat& file, std::int64_t executed_ns) {
    std::lock_guard lock(mutex_);
    Run& run = find_or_add(process, file);
    // A scan was faster than the news of this exec; or than its end, which is what has the time.
    const bool may_be_starting = std::exchange(run.may_be_starting, false);
    if (executed_ns < run.found_ns + (may_be_starting ? kExecEndsNs : 0)) return false;
    return ++run.by_watch > run.by_gate;
  }
  // The process was found running the file, some time after it began to. True: nobody knew.
  bool found_later(pid_t process, const FileStat& file, std::int64_t now_ns) {
    std::lock_guard lock(mutex_);
    Run& run = find_or_add(process, file);
    const bool unknown = run.by_gate == 0 && run.by_watch == 0;
    if (unknown) ++run.by_watch;
    run.may_be_starting = unknown;
    run.found_ns = now_ns;
    return unknown;
  }
  // It was ended after all: its number may soon be another's.
  void forget(pid_t process, const FileStat& file) {
    std::lock_guard lock(mutex_);
    std::erase_if(runs_, [&](const Run& run) { return run.is(process, file); });
  }

 private:
  static constexpr std::size_t kMostRuns = 512;
  // From when /proc shows the program to the exec's event, on a machine that is busy.
  static constexpr std::int64_t kExecEndsNs = 1'000'000'000;
  struct Run {
    pid_t process;
    dev_t device;
    ino_t inode;
    std::uint32_t by_gate = 0, by_watch = 0;
    std::int64_t found_ns = 0;
    bool may_be_starting = false;  // it was found, and its exec has not been heard of
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
