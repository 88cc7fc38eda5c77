// Work of several owners, served in turn: one owner's flood delays only its own. An owner has one
// item in work at a time: if that one is stuck, so are the owner's others, and nobody else's.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace holdfast {

template <typename T>
class FairQueue {
 public:
  void push(std::uint64_t owner, T item) {
    std::deque<T>& queue = queues_[owner];
    queue.push_back(std::move(item));
    if (queue.size() == 1 && !in_work_.contains(owner)) turns_.push_back(owner);
  }

  // The oldest item of the owner whose turn it is; done(owner) has to follow.
  std::optional<T> pop() {
    if (turns_.empty()) return std::nullopt;
    const std::uint64_t owner = turns_.front();
    turns_.pop_front();
    in_work_.insert(owner);
    std::deque<T>& queue = queues_[owner];
    std::optional<T> item(std::move(queue.front()));
    queue.pop_front();
    if (queue.empty()) queues_.erase(owner);
    return item;
  }

  void done(std::uint64_t owner) {
    in_work_.erase(owner);
    if (queues_.contains(owner)) turns_.push_back(owner);
  }

  // True if it was there.
  bool erase(std::uint64_t owner, const T& item) {
    const auto found = queues_.find(owner);
    if (found == queues_.end() || std::erase(found->second, item) == 0) return false;
    if (found->second.empty()) {
      queues_.erase(found);
      std::erase(turns_, owner);
    }
    return true;
  }

  // Items that wait, whether or not it is their owner's turn.
  bool empty() const { return queues_.empty(); }
  // Owners that pop() can serve now.
  std::size_t turns() const { return turns_.size(); }

 private:
  std::unordered_map<std::uint64_t, std::deque<T>> queues_;  // none is empty
  std::deque<std::uint64_t> turns_;  // owners with waiting items and none in work, each once
  std::unordered_set<std::uint64_t> in_work_;
};

}  // namespace holdfast
