// Calls that the kernel may never return from, with a limit. Reading /proc/PID/cmdline, environ,
// maps or smaps takes that process's mmap lock, which a process whose FUSE server does not answer
// can hold for ever; only SIGKILL ends the wait (mmap_read_lock_killable). /proc/PID/stat, status,
// comm, cgroup, syscall and the links exe, cwd, root, ns/* take no mmap lock (to 6.18).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace holdfast {

struct BoundedCallCounters {
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> timed_out{0};  // gave nothing in time
  std::atomic<std::uint64_t> refused{0};    // not tried: too many had not come back
};

// Runs calls on threads of its own, which are started when they are needed and kept. A call that
// does not come back in time keeps its thread until it does; its result is dropped then.
//
// The destructor joins the threads, unless one is stuck: nothing but the end of the process ends
// that. It then frees nothing that they share, and leaves them; none is detached. So a function may
// outlive everything but the process, and must own what it uses: nothing of its caller's by
// reference, no static that has a destructor.
class BoundedCalls {
 public:
  static constexpr std::size_t kMostThreads = 32;
  // An owner (a container) that makes this many calls hang gets no more: others still can.
  static constexpr std::size_t kMostStuckOfOwner = 2;

  BoundedCalls();
  ~BoundedCalls();
  BoundedCalls(const BoundedCalls&) = delete;
  BoundedCalls& operator=(const BoundedCalls&) = delete;

  // The function's value; nullopt when it was not there in time, threw, or was not tried.
  template <typename Function>
  auto run(const std::string& owner, std::chrono::milliseconds limit, Function function)
      -> std::optional<decltype(function())> {
    auto result = std::make_shared<std::optional<decltype(function())>>();
    if (!run_body(owner, limit, [result, function = std::move(function)]() mutable {
          result->emplace(function());
        })) {
      return std::nullopt;
    }
    return std::move(*result);
  }

  const BoundedCallCounters& counters() const { return counters_; }
  std::size_t stuck() const;  // calls that run still, whose callers went on

 private:
  struct State;
  struct Call;
  bool run_body(const std::string& owner, std::chrono::milliseconds limit,
                std::function<void()> body);
  static void serve(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
  BoundedCallCounters counters_;
};

}  // namespace holdfast
