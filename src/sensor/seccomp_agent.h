// The seccomp agent: runtimes hand it the listener of each process that they start under a profile
// of ours (docs/seccomp.md), and it answers the calls that these notify of.
//
// A memory file is made here, marked, and given to the caller: its execve is then a permission
// event like any other. Other calls are refused or let happen, never performed: what a caller
// changes behind a pointer after the look gains nothing, as the gates decide again on what runs.
//
// A caller can make the read of its memory hang (a page of a FUSE file). That holds up its own
// listener: while one thread is at work, another waits for what comes next.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "kernel/bounded_call.h"
#include "kernel/epoll.h"
#include "kernel/seccomp_listener.h"
#include "sensor/container_guard.h"
#include "sensor/memfd_gate.h"
#include "sensor/notified_call.h"
#include "sensor/seccomp_connection.h"

namespace holdfast {

// What the agent needs of the daemon; outlives it.
struct SeccompAgentServices {
  int socket = -1;  // listening, owned by the keeper
  HeldListeners listeners;
  NotificationTable* notifications = nullptr;
  const KnownIds* known_ids = nullptr;
  // By its id, or by its root's device while no runtime's files tell the id; null: not covered.
  std::function<std::shared_ptr<ContainerGuard>(const std::string& id, dev_t root)> guard_of;
  std::function<void()> look_for_containers;
  // Is each execve of memory files on that device asked about anyway?
  std::function<bool(dev_t device)> is_gated = [](dev_t) { return false; };
  FailMode fail_mode = FailMode::allow;
  BoundedCalls* calls = nullptr;
};

struct SeccompCounters {
  std::atomic<std::uint64_t> states{0};          // taken: each brought a listener
  std::atomic<std::uint64_t> states_refused{0};  // malformed, without listener, not sent in time
  std::atomic<std::uint64_t> notifications{0};
  std::atomic<std::uint64_t> memory_files{0};  // made, marked and given to their callers
  std::atomic<std::uint64_t> refused{0};       // other calls, by policy
  std::atomic<std::uint64_t> let_happen{0};    // other calls
  std::atomic<std::uint64_t> uncovered{0};     // memory files of containers that nobody covers
  std::atomic<std::uint64_t> unsupported{0};   // refused, as the kernel cannot inject (before 5.9)
};

class SeccompAgent {
 public:
  // Takes over the listeners that an earlier worker left, and answers what it had received.
  static Result<std::unique_ptr<SeccompAgent>> start(SeccompAgentServices services);
  ~SeccompAgent();

  // Waits for the threads, but not for one that is stuck in a caller's memory: it still uses this
  // object, which must then stay until the process ends. So must its listeners where a successor is
  // to have them: the destructor gives them up.
  void stop();

  const SeccompCounters& counters() const { return counters_; }
  std::size_t listeners() const;
  bool listens_to(const std::string& container_id) const;

 private:
  struct Listener {
    std::shared_ptr<SeccompListener> kernel;
    std::string container_id;  // empty: taken over, and not called since
    std::weak_ptr<ContainerGuard> guard;
    std::atomic<bool> waited_in_vain{false};  // for the cover: the next calls do not wait again
  };

  SeccompAgent(Epoll epoll, SeccompAgentServices services);
  void add_thread();  // with mutex_ held
  void serve();
  void handle(std::uint64_t key);
  void accept_one();
  void serve_connection(std::uint64_t key, const std::shared_ptr<SeccompConnection>& connection);
  void end_connection(std::uint64_t key, bool refused);
  void drop_slow_connections();
  void add_listener(std::shared_ptr<SeccompListener> kernel, std::string container_id);
  void serve_listener(std::uint64_t key, const std::shared_ptr<Listener>& listener);
  void answer_inherited();
  void answer(Listener& listener, const seccomp_notif& notification);
  Status mark_memory_file(ContainerGuard& guard, int fd, unsigned flags) const;
  Status answer_memory_file(Listener& listener, const seccomp_notif& notification);
  Status answer_by_policy(Listener& listener, const seccomp_notif& notification, const char* what);
  Status answer_permission_call(Listener& listener, const seccomp_notif& notification);
  Status refuse_by_policy(Listener& listener, const seccomp_notif& notification,
                          ContainerGuard& guard, const Act& act);
  std::shared_ptr<ContainerGuard> guard_of(Listener& listener, pid_t pid);
  bool wait_for_stop(int milliseconds);

  Epoll epoll_;
  SeccompAgentServices services_;
  const NotifiedCalls calls_;
  SeccompCounters counters_;
  UniqueFd timer_;
  WakeSignal stop_;
  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;
  std::condition_variable thread_ended_;
  std::unordered_map<std::uint64_t, std::shared_ptr<SeccompConnection>> connections_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Listener>> listeners_;
  std::uint64_t next_key_;
  std::list<std::thread> threads_;
  std::size_t idle_ = 0, running_ = 0;
};

}  // namespace holdfast
