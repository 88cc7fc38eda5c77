#include "sensor/responder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <system_error>

namespace holdfast {
namespace {

constexpr std::uint64_t kStopKey = 0;
constexpr std::size_t kEventsPerTurn = 16;  // then other containers have theirs
// Started as comparisons get stuck in slow disks: one for each container that compares.
constexpr std::size_t kMostComparers = 32;
// One for each container whose file's open hangs (a lease that its holder does not give up).
constexpr std::size_t kMostSpareReaders = 64;
constexpr std::int64_t kHangsNs = 200'000'000;
constexpr int kLooksPerDeadline = 8;
constexpr std::int64_t kDenialsToldEveryNs = 60'000'000'000;
// A worker that died of one and the same event again and again: the event is not tried a third
// time.
constexpr std::uint32_t kMostWorkersPerEvent = 2;
// One thread serves a group at a time: its events keep their order, a flood stays its own.
constexpr std::uint32_t kGroupEvents = EPOLLIN | EPOLLONESHOT;

}  // namespace

Result<std::unique_ptr<Responder>> Responder::start(HeldGroups held, const GuardServices& services,
                                                    ResponderSettings settings) {
  Result<Epoll> epoll = Epoll::create();
  if (!epoll) return epoll.error();
  std::unique_ptr<Responder> responder(
      new Responder(std::move(*epoll), std::move(held), services, settings));
  if (Status added = responder->epoll_.add(responder->stop_.fd(), EPOLLIN, kStopKey); !added) {
    return added.error();
  }
  const unsigned readers = std::max(2U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < readers; ++i)
    responder->threads_.emplace_back([r = responder.get()] { r->serve(); });
  responder->threads_.emplace_back([r = responder.get()] { r->keep_deadlines(); });
  responder->comparers_.emplace_back([r = responder.get()] { r->compare(); });
  return responder;
}

Responder::Responder(Epoll epoll, HeldGroups held, const GuardServices& services,
                     ResponderSettings settings)
    : epoll_(std::move(epoll)), held_(std::move(held)), services_(services), settings_(settings) {}

void Responder::stop() {
  stopping_ = true;
  stop_.raise();
  {
    std::scoped_lock lock(jobs_mutex_, deadline_mutex_);
    jobs_wake_.notify_all();
    deadline_wake_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();  // nobody starts a comparer any more
  for (std::thread& thread : spare_readers_) thread.join();
  for (std::thread& thread : comparers_) thread.join();
  threads_.clear();
  spare_readers_.clear();
  comparers_.clear();
}

Result<std::uint64_t> Responder::add(EventSource source) {
  const auto served = std::make_shared<Served>();
  served->source = std::move(source);
  const int fd = served->source.group->fd();
  std::uint64_t key = 0;
  {
    std::unique_lock lock(served_mutex_);
    key = next_key_++;
    served_.emplace(key, served);
  }
  if (const auto place = served->source.group->place()) {
    for (EventSlot& slot : held_.events.slots()) {
      if (slot.state != EventSlot::waiting || slot.group != *place || slot.workers == 0) continue;
      if (slot.workers > kMostWorkersPerEvent) continue;
      slot.since_ns = monotonic_ns();
      ++services_.counters->inherited;
      handle(key, served, inherited_event(held_.events, slot));
    }
  }
  if (Status added = epoll_.add(fd, kGroupEvents, key); !added) {
    remove(key);
    return added.error();
  }
  return key;
}

std::size_t Responder::answer_unclaimed() {
  std::size_t answered = 0;
  for (EventSlot& slot : held_.events.slots()) {
    if (slot.state != EventSlot::waiting || slot.workers == 0) continue;
    const std::shared_ptr<Served> served = find_by_place(slot.group);
    if (served && slot.workers <= kMostWorkersPerEvent) continue;     // it is being decided
    const FanotifyEvent event = inherited_event(held_.events, slot);  // closes it
    if (!asks_permission(slot) || !take_answer(slot)) continue;
    answer_undecided(slot);
    ++answered;
  }
  return answered;
}

// By the fail mode; the answer has been taken on.
void Responder::answer_undecided(EventSlot& slot) {
  const bool allow = services_.fail_mode == FailMode::allow;
  const std::shared_ptr<Served> served = find_by_place(slot.group);
  const auto guard = served ? served->source.guard_of(slot.event.pid) : nullptr;
  if (guard) guard->report_undecided(slot, allow);
  if ((slot.event.mask & FAN_OPEN_EXEC_PERM) != 0) services_.undecided_execs->add(slot.event.pid);
  answer_taken(held_.descriptors, slot, allow);
  ++services_.counters->undecided;
}

void Responder::remove(std::uint64_t key) {
  std::shared_ptr<Served> served;
  std::unique_lock lock(served_mutex_);
  if (const auto found = served_.find(key); found != served_.end()) {
    served = std::move(found->second);
    served_.erase(found);
    if (served->paused.exchange(false)) --paused_count_;
    epoll_.remove(served->source.group->fd());
  }
}

std::shared_ptr<Responder::Served> Responder::find(std::uint64_t key) const {
  std::shared_lock lock(served_mutex_);
  const auto found = served_.find(key);
  return found == served_.end() ? nullptr : found->second;
}

std::shared_ptr<Responder::Served> Responder::find_by_place(std::uint32_t place) const {
  std::shared_lock lock(served_mutex_);
  for (const auto& [key, served] : served_) {
    if (served->source.group->place() == place) return served;
  }
  return nullptr;
}

void Responder::serve() {
  while (true) {
    const Result<std::uint64_t> key = epoll_.wait();
    if (!key || *key == kStopKey) return;
    if (const std::shared_ptr<Served> served = find(*key)) serve_turn(*key, served);
  }
}

void Responder::serve_turn(std::uint64_t key, const std::shared_ptr<Served>& served) {
  FanotifyGroup& group = *served->source.group;
  for (std::size_t i = 0; i < kEventsPerTurn && !stopping_; ++i) {
    if (!admits(*served)) {
      ++services_.counters->paused;
      group.set_paused(true);
      if (!served->paused.exchange(true)) ++paused_count_;
      // A job that ended meanwhile has not seen the pause.
      if (!admits(*served)) return;
      resume_paused();
      return;
    }
    served->busy_since_ns = monotonic_ns();
    note_activity();
    const bool more = serve_one(key, served);
    served->busy_since_ns = 0;
    if (served->hangs.exchange(false)) group.set_paused(false);
    if (!more) break;
  }
  // Fails only when the guard was removed meanwhile.
  (void)epoll_.rearm(group.fd(), kGroupEvents, key).ok();
}

// Whether there may be another event.
bool Responder::serve_one(std::uint64_t key, const std::shared_ptr<Served>& served) {
  Result<std::optional<FanotifyEvent>> event = served->source.group->read();
  if (!event) {
    count_denial(*served, event.error());
    return false;
  }
  if (!*event) return false;
  last_descriptor_.store((*event)->file.get(), std::memory_order_relaxed);
  handle(key, served, std::move(**event));
  return true;
}

// A reader that hangs holds up the openers of its own container only: there is another for the
// others, and the keeper is told that those openers are left waiting knowingly.
bool Responder::look_at_readers() {
  const std::int64_t before = monotonic_ns() - kHangsNs;
  bool any = false;
  std::shared_lock lock(served_mutex_);
  for (const auto& [key, served] : served_) {
    const std::int64_t since = served->busy_since_ns;
    if (since == 0) continue;
    any = true;
    if (since >= before || served->hangs.exchange(true)) continue;
    served->source.group->set_paused(true);
    ++services_.counters->hung_readers;
    if (served->busy_since_ns != since && served->hangs.exchange(false)) {
      served->source.group->set_paused(false);  // it came back meanwhile
    }
    if (spare_readers_.size() >= kMostSpareReaders) continue;
    try {
      spare_readers_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
      // No thread to be had: those that there are go on.
    }
  }
  return any;
}

bool Responder::admits(const Served& served) const {
  return may_read({served.waiting, waiting_all_, EventTable::kSlots, last_descriptor_,
                   settings_.descriptor_limit});
}

void Responder::resume_paused() {
  if (paused_count_ == 0) return;
  std::shared_lock lock(served_mutex_);
  for (const auto& [key, served] : served_) {
    if (!served->paused || !admits(*served) || !served->paused.exchange(false)) continue;
    --paused_count_;
    served->source.group->set_paused(false);
    (void)epoll_.rearm(served->source.group->fd(), kGroupEvents, key).ok();
  }
}

void Responder::handle(std::uint64_t key, const std::shared_ptr<Served>& served,
                       FanotifyEvent event) {
  // The deadline counts from the read, also for what is put aside: were it later, the fail mode
  // would answer in the comparison's place.
  const std::int64_t since_ns =
      event.claim.empty() ? monotonic_ns() : event.claim.slot()->since_ns.load();
  const std::shared_ptr<ContainerGuard> guard = served->source.guard_of(event.tid);
  if (!guard) {
    let_happen(*served, std::move(event));
    return;
  }
  std::optional<ContainerGuard::Deferred> deferred =
      guard->handle(std::move(event), served->source.group);
  if (!deferred) return;
  const auto job = std::make_shared<Job>();
  job->key = key;
  job->served = served;
  job->guard = guard;
  job->since_ns = since_ns;
  job->deferred = std::move(*deferred);
  ++served->waiting;
  ++waiting_all_;
  {
    std::lock_guard lock(jobs_mutex_);
    unfinished_.push_back(job);
  }
  note_activity();
  if (job->deferred.awaits_identity && park(job, *job->deferred.act)) return;
  enqueue(job);
}

// Of no covered container.
void Responder::let_happen(const Served& served, FanotifyEvent event) {
  ++services_.counters->events;
  if ((event.mask & FAN_Q_OVERFLOW) != 0) ++services_.counters->overflows;
  if ((event.mask & (FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM)) == 0) return;
  PendingPermission(served.source.group, std::move(event), FailMode::allow).allow();
}

void Responder::enqueue(const std::shared_ptr<Job>& job) {
  {
    std::lock_guard lock(jobs_mutex_);
    queued_.push(job->key, job);
    provide_comparers();
  }
  jobs_wake_.notify_one();
}

// No thread waits with it. True: it comes back by itself.
bool Responder::park(const std::shared_ptr<Job>& job, const Act& act) {
  if (stopping_) return false;
  {
    std::lock_guard lock(jobs_mutex_);
    if (job->taken || job->judged) return false;
    job->judged = act;
  }
  return job->guard->await_identity(job->deferred, act, [this, job] { enqueue(job); });
}

// A thread for each container whose turn it is: those at work may be stuck in another's slow disk.
// With jobs_mutex_ held.
void Responder::provide_comparers() {
  if (queued_.turns() <= idle_comparers_ || comparers_.size() >= kMostComparers) return;
  try {
    comparers_.emplace_back([this] { compare(); });
  } catch (const std::system_error&) {
    // No thread to be had: those that there are go on.
  }
}

// The kernel could not give us the event, and has denied its opener.
void Responder::count_denial(Served& served, const Error& error) {
  if (error.code == ENOBUFS) return;  // nothing was read
  std::array<std::atomic<std::uint64_t>, 134>& by_code = services_.counters->read_errors;
  const std::size_t code = static_cast<std::size_t>(error.code);
  ++by_code[code < by_code.size() ? code : 0];
  ++served.untold_denials;
  const std::int64_t now = monotonic_ns();
  std::int64_t told = served.denials_told_ns;
  if (told != 0 && now - told < kDenialsToldEveryNs) return;
  if (!served.denials_told_ns.compare_exchange_strong(told, now)) return;
  spdlog::error("{}: openers are denied by the kernel", error.message());
  services_.report(denied_by_kernel(served.source.guard ? served.source.guard->workload() : nullptr,
                                    error.code, served.untold_denials.exchange(0)));
}

void Responder::compare() {
  while (true) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock(jobs_mutex_);
      ++idle_comparers_;
      jobs_wake_.wait(lock, [&] { return queued_.turns() > 0 || (stopping_ && queued_.empty()); });
      --idle_comparers_;
      std::optional<std::shared_ptr<Job>> next = queued_.pop();
      if (!next) return;
      job = std::move(*next);
    }
    ContainerGuard& guard = *job->guard;
    if (!job->taken) {
      // At a stop no opener waits for a disk any more.
      const bool hurry = stopping_ && job->deferred.pending;
      const bool undecided = hurry && !job->deferred.has_substitute();
      const std::optional<Act> act = undecided     ? std::nullopt
                                     : job->judged ? job->judged
                                     : hurry       ? guard.substitute(job->deferred)
                                                   : guard.carry_out(job->deferred);
      if (act && park(job, *act)) {
        std::lock_guard lock(jobs_mutex_);
        queued_.done(job->key);
        jobs_wake_.notify_all();
        continue;
      }
      // Undecided, it gets the fail mode's answer when it is dropped.
      if (!job->taken.exchange(true) && !undecided) guard.conclude(job->deferred, act);
    }
    finished(job);
    {
      std::lock_guard lock(jobs_mutex_);
      queued_.done(job->key);
    }
    jobs_wake_.notify_all();
  }
}

void Responder::finished(const std::shared_ptr<Job>& job) {
  {
    std::lock_guard lock(jobs_mutex_);
    std::erase(unfinished_, job);
  }
  --job->served->waiting;
  --waiting_all_;
  resume_paused();
}

void Responder::note_activity() {
  if (active_) return;
  std::lock_guard lock(deadline_mutex_);
  active_ = true;
  deadline_wake_.notify_one();
}

void Responder::keep_deadlines() {
  const auto pause = settings_.answer_deadline / kLooksPerDeadline;
  std::unique_lock lock(deadline_mutex_);
  while (!stopping_) {
    deadline_wake_.wait(lock, [&] { return stopping_ || active_; });
    deadline_wake_.wait_for(lock, pause, [&] { return stopping_.load(); });
    active_ = false;
    lock.unlock();
    const bool busy = look_at_readers();
    const bool again = look_at_deadlines() || busy;
    lock.lock();
    if (again) active_ = true;
  }
}

// Whether something still waits.
bool Responder::look_at_deadlines() {
  const std::int64_t deadline = std::chrono::nanoseconds(settings_.answer_deadline).count();
  const std::int64_t now = monotonic_ns();
  // A look is up to an eighth late: what will be too old at the next one is due now.
  const std::int64_t due = now - deadline + deadline / kLooksPerDeadline;
  std::vector<std::shared_ptr<Job>> late;
  {
    std::lock_guard lock(jobs_mutex_);
    for (const std::shared_ptr<Job>& job : unfinished_) {
      if (!job->deferred.pending || !(job->judged || job->deferred.has_substitute()) ||
          job->since_ns >= due || job->taken.exchange(true)) {
        continue;
      }
      late.push_back(job);
    }
  }
  for (const std::shared_ptr<Job>& job : late) {
    ContainerGuard& guard = *job->guard;
    guard.conclude(job->deferred, job->judged ? job->judged : guard.substitute(job->deferred));
    // Whoever is comparing it now needs the file; the others give it back.
    std::unique_lock lock(jobs_mutex_);
    const bool was_queued = queued_.erase(job->key, job);
    lock.unlock();
    if (was_queued) finished(job);
  }
  for (EventSlot& slot : held_.events.slots()) {
    if (!asks_permission(slot) || !take_late_answer(slot, due)) continue;
    // While the answer is taken on, the owner leaves the event's descriptor open.
    answer_undecided(slot);
  }
  return held_.events.used() > 0;
}

}  // namespace holdfast
