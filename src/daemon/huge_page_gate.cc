#include "daemon/huge_page_gate.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "kernel/memory_file.h"

namespace holdfast {

HugePageGate::~HugePageGate() {
  if (key_) responder_.remove(*key_);
}

void HugePageGate::start() {
  const Status marked = mark();
  if (marked) return;
  spdlog::warn("huge-page memory files are met by the exec watch alone: {}",
               marked.error().message());
  std::lock_guard lock(mutex_);
  reason_ = marked.error().message();
}

Status HugePageGate::mark() {
  const std::vector<UniqueFd> files = huge_page_files();
  if (files.empty()) return Error{EOPNOTSUPP, "make a memory file of huge pages", ""};
  Result<std::shared_ptr<FanotifyGroup>> group = groups_.open(descriptor_key("huge pages"));
  if (!group) return group.error();
  std::vector<dev_t> devices;
  std::string reason;
  for (const UniqueFd& file : files) {
    const std::optional<FileStat> stat = stat_of(file.get());
    const Status marked = (*group)->mark(MarkScope::filesystem, FAN_OPEN_EXEC_PERM,
                                         "/proc/self/fd/" + std::to_string(file.get()));
    if (!marked) reason = marked.error().message();
    if (marked && stat) devices.push_back(device_of(*stat));
  }
  if (devices.empty()) return Error{EOPNOTSUPP, reason, ""};
  const Result<std::uint64_t> key = responder_.add({std::move(*group), nullptr, find_guard_});
  if (!key) return key.error();
  key_ = *key;
  std::lock_guard lock(mutex_);
  devices_ = std::move(devices);
  reason_ = std::move(reason);
  return {};
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
