// The threads that answer. Some read events of all guards and decide most of them at once (the
// kernel opens the event's file in that read, which may take long: then there is one more); others
// compare whole files, one for each container that needs it, so that a slow disk holds up only the
// openers that need it; one sees to it that every event is answered within the deadline, whatever
// the others are stuck in.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "kernel/epoll.h"
#include "sensor/admission.h"
#include "sensor/event_source.h"
#include "sensor/fair_queue.h"

namespace holdfast {

struct ResponderSettings {
  std::chrono::milliseconds answer_deadline{2000};
  std::int64_t descriptor_limit = 1024;  // RLIMIT_NOFILE
};

class Responder {
 public:
  static Result<std::unique_ptr<Responder>> start(HeldGroups held, const GuardServices& services,
                                                  ResponderSettings settings);
  ~Responder() { stop(); }

  // Answers what was read and joins the threads; afterwards no guard is called any more.
  void stop();

  // Decides what a dead worker left undecided of the source, then serves it; its key, for remove().
  Result<std::uint64_t> add(EventSource source);
  Result<std::uint64_t> add(const std::shared_ptr<ContainerGuard>& guard) {
    return add(EventSource{guard->shared_group(), guard, nullptr});
  }
  void remove(std::uint64_t key);

  // Answers by the fail mode what a dead worker left of groups that nobody took over; how many.
  std::size_t answer_unclaimed();

 private:
  struct Served {
    EventSource source;
    std::atomic<std::uint32_t> waiting{0};  // jobs of it
    std::atomic<bool> paused{false};
    // The event that a reader is at, from before its read: since when, 0 if at none; and whether it
    // has been seen to hang there.
    std::atomic<std::int64_t> busy_since_ns{0};
    std::atomic<bool> hangs{false};
    // Kernel denials told of: the first at once, then at most once a minute.
    std::atomic<std::uint64_t> untold_denials{0};
    std::atomic<std::int64_t> denials_told_ns{0};
  };
  struct Job {
    std::uint64_t key = 0;
    std::shared_ptr<Served> served;
    std::shared_ptr<ContainerGuard> guard;
    std::int64_t since_ns = 0;
    ContainerGuard::Deferred deferred;
    std::optional<Act> judged;       // what it came to, while the container's identity is awaited
    std::atomic<bool> taken{false};  // by the comparer or by the deadline: the first concludes
  };

  Responder(Epoll epoll, HeldGroups held, const GuardServices& services,
            ResponderSettings settings);
  void serve();
  void serve_turn(std::uint64_t key, const std::shared_ptr<Served>& served);
  void handle(std::uint64_t key, const std::shared_ptr<Served>& served, FanotifyEvent event);
  void let_happen(const Served& served, FanotifyEvent event);
  void enqueue(const std::shared_ptr<Job>& job);
  bool park(const std::shared_ptr<Job>& job, const Act& act);
  void provide_comparers();
  void count_denial(Served& served, const Error& error);
  void compare();
  void keep_deadlines();
  bool look_at_deadlines();
  bool look_at_readers();
  bool serve_one(std::uint64_t key, const std::shared_ptr<Served>& served);
  void answer_undecided(EventSlot& slot);
  void finished(const std::shared_ptr<Job>& job);
  bool admits(const Served& served) const;
  void resume_paused();
  void note_activity();
  std::shared_ptr<Served> find(std::uint64_t key) const;
  std::shared_ptr<Served> find_by_place(std::uint32_t place) const;

  Epoll epoll_;
  HeldGroups held_;
  const GuardServices& services_;
  const ResponderSettings settings_;
  WakeSignal stop_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> last_descriptor_{0};
  std::atomic<std::uint32_t> waiting_all_{0};

  mutable std::shared_mutex served_mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Served>> served_;
  std::uint64_t next_key_ = 1;
  std::atomic<std::uint32_t> paused_count_{0};

  std::mutex jobs_mutex_;
  std::condition_variable jobs_wake_;
  FairQueue<std::shared_ptr<Job>> queued_;
  std::size_t idle_comparers_ = 0;
  std::vector<std::thread> comparers_;          // added to by the readers, under jobs_mutex_
  std::list<std::shared_ptr<Job>> unfinished_;  // queued or being compared
  std::vector<std::thread> spare_readers_;      // added to by the deadline thread

  // The deadline thread sleeps while nothing happens.
  std::mutex deadline_mutex_;
  std::condition_variable deadline_wake_;
  std::atomic<bool> active_{false};

  std::vector<std::thread> threads_;
};

}  // namespace holdfast
