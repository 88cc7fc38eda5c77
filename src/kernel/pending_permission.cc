#include "kernel/pending_permission.h"

#include <spdlog/spdlog.h>

namespace holdfast {

PendingPermission::PendingPermission(std::shared_ptr<FanotifyGroup> group, UniqueFd file,
                                     FailMode fail_mode, std::atomic<std::uint64_t>* undecided)
    : group_(std::move(group)),
      file_(std::move(file)),
      fail_mode_(fail_mode),
      undecided_(undecided) {}

PendingPermission& PendingPermission::operator=(PendingPermission&& other) noexcept {
  if (this != &other) {
    answer_by_fail_mode();
    group_ = std::move(other.group_);
    file_ = std::move(other.file_);
    fail_mode_ = other.fail_mode_;
    undecided_ = other.undecided_;
  }
  return *this;
}

PendingPermission::~PendingPermission() { answer_by_fail_mode(); }

void PendingPermission::answer_by_fail_mode() {
  if (answered()) return;
  if (undecided_ != nullptr) ++*undecided_;
  answer(fail_mode_ == FailMode::allow);
}

void PendingPermission::answer(bool allow) {
  const std::shared_ptr<FanotifyGroup> group = std::move(group_);
  group_ = nullptr;
  if (!group) return;
  Status status = group->answer(file_.get(), allow);
  if (!status) {
    // ENOENT: the opener was killed while it waited. Anything else would leave it blocked, so the
    // other answer is not tried: a refused answer is repeated once as it was.
    if (status.error().code == ENOENT) return;
    status = group->answer(file_.get(), allow);
    if (!status && status.error().code != ENOENT) spdlog::error("{}", status.error().message());
  }
}

}  // namespace holdfast
