#include "sensor/responder.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace holdfast {
namespace {

constexpr std::uint64_t kStopKey = 0;
constexpr std::size_t kEventsPerTurn = 16;  // then other containers have theirs
constexpr unsigned kComparers = 2;
// One thread serves a group at a time: its events keep their order, a flood stays its own.
constexpr std::uint32_t kGroupEvents = EPOLLIN | EPOLLONESHOT;

}  // namespace

Result<std::unique_ptr<Responder>> Responder::start(GateCounters& counters) {
  Result<Epoll> epoll = Epoll::create();
  if (!epoll) return epoll.error();
  std::unique_ptr<Responder> responder(new Responder(std::move(*epoll), counters));
  if (Status added = responder->epoll_.add(responder->stop_.fd(), EPOLLIN, kStopKey); !added) {
    return added.error();
  }
  const unsigned readers = std::max(2U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < readers; ++i)
    responder->threads_.emplace_back([r = responder.get()] { r->serve(); });
  for (unsigned i = 0; i < kComparers; ++i)
    responder->threads_.emplace_back([r = responder.get()] { r->compare(); });
  return responder;
}

Responder::Responder(Epoll epoll, GateCounters& counters)
    : epoll_(std::move(epoll)), counters_(counters) {}

void Responder::stop() {
  stopping_ = true;
  stop_.raise();
  {
    std::lock_guard lock(jobs_mutex_);
    jobs_wake_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Result<std::uint64_t> Responder::add(std::shared_ptr<ContainerGuard> guard) {
  const int fd = guard->group().fd();
  std::uint64_t key = 0;
  {
    std::unique_lock lock(guards_mutex_);
    key = next_key_++;
    guards_.emplace(key, std::move(guard));
  }
  if (Status added = epoll_.add(fd, kGroupEvents, key); !added) {
    remove(key);
    return added.error();
  }
  return key;
}

void Responder::remove(std::uint64_t key) {
  std::shared_ptr<ContainerGuard> guard;
  std::unique_lock lock(guards_mutex_);
  if (const auto found = guards_.find(key); found != guards_.end()) {
    guard = std::move(found->second);
    guards_.erase(found);
    epoll_.remove(guard->group().fd());
  }
}

std::shared_ptr<ContainerGuard> Responder::find(std::uint64_t key) const {
  std::shared_lock lock(guards_mutex_);
  const auto found = guards_.find(key);
  return found == guards_.end() ? nullptr : found->second;
}

void Responder::serve() {
  while (true) {
    const Result<std::uint64_t> key = epoll_.wait();
    if (!key || *key == kStopKey) return;
    const std::shared_ptr<ContainerGuard> guard = find(*key);
    if (!guard) continue;
    Result<std::vector<FanotifyEvent>> events = guard->group().read(kEventsPerTurn);
    if (!events) {
      // The kernel has denied that opener already.
      ++counters_.read_errors;
      spdlog::error("{}: the opener was denied", events.error().message());
    } else {
      for (FanotifyEvent& event : *events) {
        std::optional<ContainerGuard::Comparison> comparison = guard->handle(std::move(event));
        if (!comparison) continue;
        std::lock_guard lock(jobs_mutex_);
        jobs_.push_back({guard, std::move(*comparison)});
        jobs_wake_.notify_one();
      }
    }
    // Fails only when the guard was removed meanwhile.
    (void)epoll_.rearm(guard->group().fd(), kGroupEvents, *key).ok();
  }
}

void Responder::compare() {
  while (true) {
    std::unique_lock lock(jobs_mutex_);
    jobs_wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
    // At a stop the openers that still wait are answered by the fail mode, as the jobs die.
    if (stopping_) return jobs_.clear();
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.guard->finish(std::move(job.comparison));
  }
}

}  // namespace holdfast
