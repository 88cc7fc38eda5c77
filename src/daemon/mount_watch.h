// Wakes when something is mounted in a container: poll(POLLPRI) on its mountinfo,
// proc_pid_mountinfo(5).
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "daemon/container_mounts.h"
#include "kernel/epoll.h"

namespace holdfast {

// A thread of its own: to ask whether a mountinfo has changed takes the answer away, so that its
// epoll cannot be one of the descriptors that another thread polls.
//
// An open mountinfo keeps its mount namespace, and with it the container's root, from going away.
// So it is closed as soon as the process it was opened through ends.
class MountWatch {
 public:
  static Result<std::unique_ptr<MountWatch>> start();
  ~MountWatch();

  // By any thread; nothing happens for a namespace that is watched already, beyond a number of
  // namespaces, or where the kernel has no pidfd_open (5.3).
  void watch(const std::shared_ptr<ContainerMounts>& mounts, ino_t mount_namespace, pid_t pid);

  // One process of each namespace of that container that is watched.
  std::vector<pid_t> processes(const ContainerMounts& mounts) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Watched {
    std::weak_ptr<ContainerMounts> mounts;
    ino_t mount_namespace = 0;
    pid_t pid = 0;
    UniqueFd mountinfo;
    UniqueFd process;
  };
  explicit MountWatch(Epoll epoll) : epoll_(std::move(epoll)) {}
  void run();
  void serve(std::uint64_t event);
  // Milliseconds until the next one is due, -1: none is resting.
  int rearm_due();

  Epoll epoll_;
  mutable std::mutex mutex_;
  std::uint64_t next_key_ = 1;
  std::unordered_map<std::uint64_t, Watched> watched_;
  std::vector<std::pair<Clock::time_point, std::uint64_t>> resting_;  // rearmed at that time

  WakeSignal wake_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace holdfast
