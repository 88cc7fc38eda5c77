#include "kernel/bounded_call.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace holdfast {

struct BoundedCalls::Call {
  enum class Stage : std::uint8_t { queued, running, done };
  std::string owner;
  std::function<void()> body;
  Stage stage = Stage::queued;
  bool abandoned = false;  // its caller went on without it
  std::condition_variable returned;
};

// What the threads and the owner share; outlives the owner while a thread is stuck.
struct BoundedCalls::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Call>> queue;
  std::vector<std::thread> threads;
  std::map<std::string, std::size_t> stuck_of;  // running calls whose callers went on, by owner
  std::size_t stuck = 0;
  std::size_t idle = 0;
  bool stopping = false;
};

BoundedCalls::BoundedCalls() : state_(std::make_shared<State>()) {}

BoundedCalls::~BoundedCalls() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    if (state_->stuck == 0) {
      threads.swap(state_->threads);
    } else {
      // On purpose never freed: the stuck threads' handles must neither be joined nor destroyed.
      static_cast<void>(new (std::nothrow) std::shared_ptr<State>(state_));
    }
    state_->wake.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
}

std::size_t BoundedCalls::stuck() const {
  std::lock_guard lock(state_->mutex);
  return state_->stuck;
}

void BoundedCalls::serve(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    ++state->idle;
    state->wake.wait(lock, [&] { return state->stopping || !state->queue.empty(); });
    --state->idle;
    if (state->queue.empty()) return;
    const std::shared_ptr<Call> call = std::move(state->queue.front());
    state->queue.pop_front();
    call->stage = Call::Stage::running;
    lock.unlock();
    try {
      call->body();
    } catch (...) {  // no value: the caller sees that there is none
    }
    call->body = nullptr;
    lock.lock();
    call->stage = Call::Stage::done;
    if (call->abandoned) {
      --state->stuck;
      const auto owner = state->stuck_of.find(call->owner);
      if (--owner->second == 0) state->stuck_of.erase(owner);
    }
    call->returned.notify_one();
  }
}

bool BoundedCalls::run_body(const std::string& owner, std::chrono::milliseconds limit,
                            std::function<void()> body) {
  ++counters_.calls;
  State& state = *state_;
  const auto call = std::make_shared<Call>();
  call->owner = owner;
  call->body = std::move(body);
  std::unique_lock lock(state.mutex);
  const auto of_owner = state.stuck_of.find(owner);
  if (state.stuck == kMostThreads ||
      (of_owner != state.stuck_of.end() && of_owner->second >= kMostStuckOfOwner)) {
    ++counters_.refused;
    return false;
  }
  if (state.idle <= state.queue.size() && state.threads.size() < kMostThreads) {
    try {
      state.threads.emplace_back([shared = state_] { serve(shared); });
    } catch (const std::system_error&) {
      if (state.threads.size() == state.stuck) {  // nobody would come for it
        ++counters_.refused;
        return false;
      }
    }
  }
  state.queue.push_back(call);
  state.wake.notify_one();
  if (call->returned.wait_for(lock, limit, [&] { return call->stage == Call::Stage::done; })) {
    return true;
  }
  ++counters_.timed_out;
  if (call->stage == Call::Stage::queued) {
    std::erase(state.queue, call);
  } else {
    call->abandoned = true;
    ++state.stuck;
    ++state.stuck_of[owner];
  }
  return false;
}

}  // namespace holdfast
