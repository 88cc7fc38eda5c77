#include "daemon/huge_page_gate.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "kernel/memory_file.h"

namespace holdfast {

HugePageGate::~HugePageGate() {
  if (key_) responder_.remove(*key_);
}

void HugePageGate::set_block(bool block) {
  if (block_ == block) return;
  const std::optional<std::uint64_t> old = std::exchange(key_, std::nullopt);
  block_ = block;
  const Result<std::uint64_t> started = start(block);
  if (started) {
    key_ = *started;
  } else {
    spdlog::warn("huge-page memory files are met by the exec watch alone: {}",
                 started.error().message());
    std::lock_guard lock(mutex_);
    devices_.clear();
    reason_ = started.error().message();
  }
  // Its marks go with it: the new ones are there.
  if (old) responder_.remove(*old);
}

Result<std::uint64_t> HugePageGate::start(bool block) {
  const std::vector<UniqueFd> files = huge_page_files();
  if (files.empty()) return Error{EOPNOTSUPP, "make a memory file of huge pages", ""};
  Result<std::shared_ptr<FanotifyGroup>> group =
      groups_.open(descriptor_key(block ? "block huge pages" : "alert huge pages"),
                   block ? EventQueue::unlimited : EventQueue::limited);
  if (!group) return group.error();
  std::vector<dev_t> devices;
  std::string reason;
  for (const UniqueFd& file : files) {
    const std::optional<FileStat> stat = stat_of(file.get());
    const Status marked =
        (*group)->mark(MarkScope::filesystem, block ? FAN_OPEN_EXEC_PERM : FAN_OPEN_EXEC,
                       "/proc/self/fd/" + std::to_string(file.get()));
    if (!marked) reason = marked.error().message();
    if (marked && stat) devices.push_back(device_of(*stat));
  }
  if (devices.empty()) return Error{EOPNOTSUPP, reason, ""};
  const Result<std::uint64_t> key = responder_.add({std::move(*group), nullptr, find_guard_});
  if (!key) return key.error();
  std::lock_guard lock(mutex_);
  devices_ = std::move(devices);
  reason_ = std::move(reason);
  return *key;
}

bool HugePageGate::covers(dev_t device) const {
  std::lock_guard lock(mutex_);
  return std::find(devices_.begin(), devices_.end(), device) != devices_.end();
}

HugePageStatus HugePageGate::status() const {
  std::lock_guard lock(mutex_);
  return {devices_.size(), reason_};
}

}  // namespace holdfast
