// Seccomp notifications that were received and not answered, in memory that outlives the worker:
// the kernel hands a notification out once, so the successor of a worker that dies in between finds
// it here and nowhere else.
#pragma once

#include <linux/seccomp.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holdfast {

struct NotificationSlot {
  enum State : std::uint32_t { free, receiving, received };
  std::atomic<std::uint32_t> state;
  std::uint32_t listener;  // place in the DescriptorTable
  seccomp_notif notification;
};

// Zeroed memory is an empty table.
class NotificationTable {
 public:
  static constexpr std::size_t kSlots = 128;

  // A free slot, zeroed as the kernel wants it, in state `receiving`; null: all are taken.
  NotificationSlot* take(std::uint32_t listener) {
    for (NotificationSlot& slot : slots_) {
      std::uint32_t expected = NotificationSlot::free;
      if (!slot.state.compare_exchange_strong(expected, NotificationSlot::receiving)) continue;
      slot.listener = listener;
      slot.notification = {};
      return &slot;
    }
    return nullptr;
  }

  std::array<NotificationSlot, kSlots>& slots() { return slots_; }

  // For a successor, before it receives: a worker may have died after the kernel filled the slot
  // and before it said so.
  void recover() {
    for (NotificationSlot& slot : slots_) {
      if (slot.state != NotificationSlot::receiving) continue;
      slot.state = slot.notification.id != 0 ? NotificationSlot::received : NotificationSlot::free;
    }
  }

 private:
  std::array<NotificationSlot, kSlots> slots_;
};

}  // namespace holdfast
