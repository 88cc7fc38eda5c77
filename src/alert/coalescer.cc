#include "alert/coalescer.h"

#include <utility>

namespace holdfast {
namespace {

// The key of the same act by a process of which nothing is known any more.
std::string without_executable(const std::string& key) {
  const std::size_t container = key.find('\0');
  const std::size_t path = key.find('\0', container + 1);
  const std::size_t executable = key.find('\0', path + 1);
  return key.substr(0, path + 1) + key.substr(executable);
}

}  // namespace

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

Coalescer::Absorbed Coalescer::absorb(const std::string& key, AlertRecord& record) {
  // Seen when its process had ended: the key of an act of which it is another sight is not known.
  const auto anybodys = anybodys_.find(key);
  if (record.seen_afterwards && anybodys != anybodys_.end()) return Absorbed::same_act;
  auto found = acts_.find(key);
  if (found == acts_.end() && anybodys != anybodys_.end()) {
    found = acts_.find(anybodys->second.latest);
    if (found != acts_.end() && !found->second.gate_may_tell) found = acts_.end();
  }
  if (found == acts_.end()) {
    // The other way round: the act was told of as nobody's, now its process is known.
    found = acts_.find(without_executable(key));
    if (found == acts_.end()) return Absorbed::no;
    // The close of the written file, that is, or another change: never a run or an open of it.
    const bool same = record.seen_afterwards || (record.mechanism == Mechanism::change_watch &&
                                                 std::exchange(found->second.gate_may_tell, false));
    return same ? Absorbed::same_act : Absorbed::no;
  }
  Act& act = found->second;
  if (record.seen_afterwards || std::exchange(act.gate_may_tell, false)) return Absorbed::same_act;
  const std::uint64_t repeats = act.last.repeats + 1;
  if (repeats == 1) ++repeated_;
  act.last = std::move(record);
  act.last.repeats = repeats;
  return Absorbed::repeat;
}

void Coalescer::open(std::string key, bool seen_afterwards, Time now) {
  if (window_.count() <= 0 || windows_.size() >= max_keys_) return;
  const auto [act, is_new] = acts_.try_emplace(key);
  if (!is_new) return;
  act->second.gate_may_tell = seen_afterwards;
  Anybodys& anybodys = anybodys_[without_executable(key)];
  ++anybodys.windows;
  anybodys.latest = key;
  windows_.push_back({std::move(key), now + window_});
}

std::vector<AlertRecord> Coalescer::close_until(Time now) {
  std::vector<AlertRecord> summaries;
  while (!windows_.empty() && windows_.front().end <= now) {
    const auto found = acts_.find(windows_.front().key);
    if (found->second.last.repeats > 0) {
      --repeated_;
      summaries.push_back(std::move(found->second.last));
    }
    acts_.erase(found);
    const auto anybodys = anybodys_.find(without_executable(windows_.front().key));
    if (--anybodys->second.windows == 0) anybodys_.erase(anybodys);
    windows_.pop_front();
  }
  return summaries;
}

std::optional<Coalescer::Time> Coalescer::next_close() const {
  if (repeated_ == 0) return std::nullopt;  // closing empty windows can wait for the next act
  return windows_.front().end;
}

}  // namespace holdfast
