#include "alert/coalescer.h"

#include <utility>

namespace holdfast {

std::string Coalescer::key_of(const AlertRecord& record) {
  const std::string& facts = record.process.process.executable;
  const std::string executable =
      !facts.empty() ? facts : record.event.process.executable.value_or("");
  std::string key;
  // Neither ids nor paths hold a NUL. The streams are part of the key: an act that is only logged
  // must not hide one that alerts after a change of policy.
  key.append(record.event.workload ? record.event.workload->container.id : "").append(1, '\0');
  key.append(record.event.path).append(1, '\0').append(executable).append(1, '\0');
  key += static_cast<char>(record.event.operation);
  key += static_cast<char>(record.outcome);
  key += static_cast<char>(record.decision.alert);
  key += static_cast<char>(record.decision.log);
  return key;
}

bool Coalescer::absorb(const std::string& key, AlertRecord& record) {
  const auto found = last_.find(key);
  if (found == last_.end()) return false;
  const std::uint64_t repeats = found->second.repeats + 1;
  if (repeats == 1) ++repeated_;
  found->second = std::move(record);
  found->second.repeats = repeats;
  return true;
}

void Coalescer::open(std::string key, Time now) {
  if (window_.count() <= 0 || windows_.size() >= max_keys_) return;
  if (last_.try_emplace(key).second) windows_.push_back({std::move(key), now + window_});
}

std::vector<AlertRecord> Coalescer::close_until(Time now) {
  std::vector<AlertRecord> summaries;
  while (!windows_.empty() && windows_.front().end <= now) {
    const auto found = last_.find(windows_.front().key);
    if (found->second.repeats > 0) {
      --repeated_;
      summaries.push_back(std::move(found->second));
    }
    last_.erase(found);
    windows_.pop_front();
  }
  return summaries;
}

std::optional<Coalescer::Time> Coalescer::next_close() const {
  if (repeated_ == 0) return std::nullopt;  // closing empty windows can wait for the next act
  return windows_.front().end;
}

}  // namespace holdfast
