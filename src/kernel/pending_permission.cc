#include "kernel/pending_permission.h"

#include <spdlog/spdlog.h>

namespace holdfast {

PendingPermission::PendingPermission(std::shared_ptr<FanotifyGroup> group, FanotifyEvent event,
                                     FailMode fail_mode, std::atomic<std::uint64_t>* undecided)
    : group_(std::move(group)),
      event_(std::move(event)),
      fail_mode_(fail_mode),
      undecided_(undecided) {}

PendingPermission& PendingPermission::operator=(PendingPermission&& other) noexcept {
  if (this != &other) {
    answer_by_fail_mode();
    group_ = std::move(other.group_);
    event_ = std::move(other.event_);
    fail_mode_ = other.fail_mode_;
    undecided_ = other.undecided_;
  }
  return *this;
}

PendingPermission::~PendingPermission() { answer_by_fail_mode(); }

void PendingPermission::answer_by_fail_mode() {
  if (answered()) return;
  if (answer(fail_mode_ == FailMode::allow) && undecided_ != nullptr) ++*undecided_;
}

bool PendingPermission::answer(bool allow) {
  const std::shared_ptr<FanotifyGroup> group = std::move(group_);
  group_ = nullptr;
  if (!group) return true;
  if (!event_.claim.begin_answer()) return false;
  Status status = group->answer(file(), allow);
  if (!status && status.error().code != ENOENT) {
    // ENOENT: the opener was killed while it waited. Anything else would leave it blocked, so the
    // other answer is not tried: a refused answer is repeated once as it was.
    status = group->answer(file(), allow);
    if (!status && status.error().code != ENOENT) spdlog::error("{}", status.error().message());
  }
  event_.claim.end_answer();
  return true;
}

}  // namespace holdfast
