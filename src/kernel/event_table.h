// Permission events that were read and are not finished, in memory that outlives the process that
// reads them: the kernel's read() writes straight into a slot, so no instant exists in which an
// event is known to a dead process only. Its descriptor outlives the process too, in the table it
// shares with its parent. A successor decides what it finds here.
#pragma once

#include <sys/fanotify.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace holdfast {

struct EventSlot {
  enum State : std::uint32_t {
    free,
    reading,    // a read() into `event` may be under way: an event is there if `event.vers` is set
    waiting,    // its opener waits
    answering,  // somebody has taken on to answer it; whether the kernel got it is not known
    answered,   // its descriptor is still open
  };
  std::atomic<std::uint32_t> state;
  std::uint32_t group;                 // place in the DescriptorTable
  std::atomic<std::int64_t> since_ns;  // CLOCK_MONOTONIC of the read
  std::atomic<std::uint32_t> workers;  // that took it up and died
  fanotify_event_metadata event;
};

std::int64_t monotonic_ns();

class EventClaim;

// Zeroed memory is an empty table.
class EventTable {
 public:
  static constexpr std::size_t kSlots = 4096;

  // A free slot, in state `reading`; an empty claim when all are taken.
  EventClaim take(std::uint32_t group);

  std::uint32_t used() const { return used_.load(std::memory_order_relaxed); }
  std::array<EventSlot, kSlots>& slots() { return slots_; }

  // Drops what is done and counts what is left; for a successor, before it reads.
  void recover();

 private:
  friend class EventClaim;
  std::atomic<std::uint32_t> used_;
  std::atomic<std::uint32_t> hint_;
  std::array<EventSlot, kSlots> slots_;
};

// Owns one slot. An empty claim (the event came from a group outside the table) is answered by its
// owner alone.
class EventClaim {
 public:
  EventClaim() = default;
  EventClaim(EventTable* table, EventSlot* slot) : table_(table), slot_(slot) {}
  EventClaim(EventClaim&& other) noexcept { swap(other); }
  EventClaim& operator=(EventClaim&& other) noexcept {
    EventClaim moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~EventClaim() { release(); }

  bool empty() const { return slot_ == nullptr; }
  EventSlot* slot() const { return slot_; }

  void arrived();       // the read brought an event
  bool begin_answer();  // false: somebody else has answered
  void end_answer();

 private:
  void release();
  void swap(EventClaim& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(slot_, other.slot_);
  }
  EventTable* table_ = nullptr;
  EventSlot* slot_ = nullptr;
};

// For whoever is not the owner (a deadline, a keeper): takes on the answer if nobody has.
bool take_answer(EventSlot& slot);
// The same for an event that was read before `due_ns` only; the slot may be another event's by now.
bool take_late_answer(EventSlot& slot, std::int64_t due_ns);

}  // namespace holdfast
