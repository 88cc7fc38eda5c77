#include "kernel/event_table.h"

#include <sched.h>
#include <time.h>

#include <cstring>

namespace holdfast {

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

bool take_answer(EventSlot& slot) {
  std::uint32_t expected = EventSlot::waiting;
  return slot.state.compare_exchange_strong(expected, EventSlot::answering);
}

bool take_late_answer(EventSlot& slot, std::int64_t due_ns) {
  if (slot.since_ns >= due_ns || !take_answer(slot)) return false;
  if (slot.since_ns < due_ns) return true;
  slot.state = EventSlot::waiting;
  return false;
}

EventClaim EventTable::take(std::uint32_t group) {
  const std::uint32_t start = hint_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    EventSlot& slot = slots_[(start + i) % kSlots];
    std::uint32_t expected = EventSlot::free;
    if (slot.state.load(std::memory_order_relaxed) != EventSlot::free ||
        !slot.state.compare_exchange_strong(expected, EventSlot::reading)) {
      continue;
    }
    if (i > 0) hint_.store((start + i) % kSlots, std::memory_order_relaxed);
    used_.fetch_add(1, std::memory_order_relaxed);
    slot.group = group;
    slot.workers = 0;
    slot.event.vers = 0;
    return {this, &slot};
  }
  return {};
}

void EventTable::recover() {
  std::uint32_t left = 0;
  for (EventSlot& slot : slots_) {
    const std::uint32_t state = slot.state;
    if (state == EventSlot::reading && slot.event.vers == FANOTIFY_METADATA_VERSION) {
      slot.since_ns = monotonic_ns();
      slot.state = EventSlot::waiting;
    } else if (state == EventSlot::answering) {
      slot.state = EventSlot::waiting;  // a second answer to the same event is refused: no harm
    } else if (state != EventSlot::waiting) {
      slot.state = EventSlot::free;
    }
    if (slot.state == EventSlot::free) continue;
    ++slot.workers;
    ++left;
  }
  used_ = left;
}

void EventClaim::arrived() {
  if (slot_ == nullptr) return;
  slot_->since_ns.store(monotonic_ns(), std::memory_order_relaxed);
  slot_->state.store(EventSlot::waiting);
}

bool EventClaim::begin_answer() {
  if (slot_ == nullptr) return true;
  while (!take_answer(*slot_)) {
    if (slot_->state.load() == EventSlot::answered) return false;
    sched_yield();  // somebody looks whether it is late
  }
  return true;
}

void EventClaim::end_answer() {
  if (slot_ != nullptr) slot_->state.store(EventSlot::answered);
}

void EventClaim::release() {
  if (slot_ == nullptr) return;
  // Whoever answers for us still uses the event's descriptor number: it must not be given away yet.
  while (slot_->state.load() == EventSlot::answering) sched_yield();
  table_->used_.fetch_sub(1, std::memory_order_relaxed);
  slot_->state.store(EventSlot::free);
  slot_ = nullptr;
}

}  // namespace holdfast
