// The thread that keeps the registry current: wakes on the host's mount changes, on the runtime
// hold, on clock changes; has no timer of its own while nothing happens.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "daemon/registry.h"
#include "daemon/runtime_hold.h"
#include "kernel/epoll.h"

namespace holdfast {

class ContainerWatch {
 public:
  // Scans once, then starts the hold and the thread.
  static Result<std::unique_ptr<ContainerWatch>> start(
      const HostView& host, Registry& registry, std::vector<std::string> configured_runtimes);
  ~ContainerWatch();

  // Runs `task` on the watch's thread, which owns the registry.
  void post(std::function<void()> task);

  std::uint64_t hold_restarts() const { return hold_restarts_; }
  bool hold_ready() const { return hold_ready_; }

 private:
  ContainerWatch(const HostView& host, Registry& registry,
                 std::vector<std::string> configured_runtimes);
  void run();
  void start_hold();
  void serve_hold();
  void scan_mounts();
  int settle();  // milliseconds until the next look, -1: none needed

  const HostView& host_;
  Registry& registry_;
  std::vector<std::string> configured_runtimes_;
  UniqueFd mountinfo_;
  UniqueFd clock_;  // a timer that is cancelled when the clock is set
  std::unique_ptr<RuntimeHold> hold_;
  std::chrono::steady_clock::time_point hold_started_;
  std::atomic<std::uint64_t> hold_restarts_{0};
  std::atomic<bool> hold_ready_{false};
  std::vector<std::chrono::steady_clock::time_point> looks_;  // when to scan cgroups again

  WakeSignal wake_;
  std::atomic<bool> stopping_{false};
  std::mutex tasks_mutex_;
  std::vector<std::function<void()>> tasks_;
  std::thread thread_;
};

}  // namespace holdfast
