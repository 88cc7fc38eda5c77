// One undecided permission event. Whatever happens to it (an exception, a queue that is dropped, a
// shutdown), the blocked process gets exactly one answer: the rule is here and nowhere else.
#pragma once

#include <atomic>
#include <memory>

#include "kernel/fanotify.h"

namespace holdfast {

enum class FailMode : std::uint8_t { allow, deny };

class PendingPermission {
 public:
  PendingPermission(std::shared_ptr<FanotifyGroup> group, FanotifyEvent event, FailMode fail_mode,
                    std::atomic<std::uint64_t>* undecided = nullptr);
  PendingPermission(PendingPermission&&) noexcept = default;
  PendingPermission& operator=(PendingPermission&& other) noexcept;
  // Answers by the fail mode if nobody decided, and counts it in `undecided`.
  ~PendingPermission();

  int file() const { return event_.file.get(); }  // valid until the object dies, answered or not
  bool answered() const { return group_ == nullptr; }

  // The first answer counts; later ones do nothing. False: the event's deadline has passed, and
  // another thread has answered it.
  bool allow() { return answer(true); }
  bool deny() { return answer(false); }

 private:
  bool answer(bool allow);
  void answer_by_fail_mode();

  std::shared_ptr<FanotifyGroup> group_;  // null once answered or moved from
  FanotifyEvent event_;
  FailMode fail_mode_;
  std::atomic<std::uint64_t>* undecided_;
};

}  // namespace holdfast
