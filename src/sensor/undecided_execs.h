// Threads whose exec was let happen undecided (a deadline, a daemon that died). The kernel asks
// twice at an exec, FAN_OPEN_EXEC_PERM and then FAN_OPEN_PERM: the second question decides it after
// all. In memory that outlives the worker; zeroed memory is empty.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace holdfast {

class UndecidedExecs {
 public:
  // Before the answer. The oldest is forgotten when there are too many.
  void add(pid_t tid) {
    threads_[next_.fetch_add(1) % threads_.size()] = tid;
    any_ = 1;
  }

  // True once for each thread that was added.
  bool take(pid_t tid) {
    if (any_.load(std::memory_order_relaxed) == 0) return false;
    for (std::atomic<pid_t>& thread : threads_) {
      pid_t expected = tid;
      if (thread == tid && thread.compare_exchange_strong(expected, 0)) return true;
    }
    return false;
  }

 private:
  std::atomic<std::uint32_t> any_;
  std::atomic<std::uint32_t> next_;
  std::array<std::atomic<pid_t>, 256> threads_;
};

}  // namespace holdfast
