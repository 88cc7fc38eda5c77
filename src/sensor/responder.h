// The threads that answer: a few read events of all guards, two more compare whole files, so that a
// slow disk holds up only the openers that need it.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "kernel/epoll.h"
#include "sensor/container_guard.h"

namespace holdfast {

class Responder {
 public:
  static Result<std::unique_ptr<Responder>> start(GateCounters& counters);
  ~Responder() { stop(); }

  // Answers what is pending and joins the threads; afterwards no guard is called any more.
  void stop();

  // Events of `guard` are served from now on; its key, for remove().
  Result<std::uint64_t> add(std::shared_ptr<ContainerGuard> guard);
  void remove(std::uint64_t key);

 private:
  Responder(Epoll epoll, GateCounters& counters);
  void serve();
  void compare();
  std::shared_ptr<ContainerGuard> find(std::uint64_t key) const;

  struct Job {
    std::shared_ptr<ContainerGuard> guard;
    ContainerGuard::Comparison comparison;
  };

  Epoll epoll_;
  GateCounters& counters_;
  WakeSignal stop_;
  std::atomic<bool> stopping_{false};

  mutable std::shared_mutex guards_mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<ContainerGuard>> guards_;
  std::uint64_t next_key_ = 1;

  std::mutex jobs_mutex_;
  std::condition_variable jobs_wake_;
  std::deque<Job> jobs_;

  std::vector<std::thread> threads_;
};

}  // namespace holdfast
