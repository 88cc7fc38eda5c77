// Work of several owners, served in turn: one owner's flood delays only its own.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

namespace holdfast {

template <typename T>
class FairQueue {
 public:
  void push(std::uint64_t owner, T item) {
    std::deque<T>& queue = queues_[owner];
    if (queue.empty()) turns_.push_back(owner);
    queue.push_back(std::move(item));
    ++size_;
  }

  // The oldest item of the owner whose turn it is.
  std::optional<T> pop() {
    if (turns_.empty()) return std::nullopt;
    const std::uint64_t owner = turns_.front();
    turns_.pop_front();
    std::deque<T>& queue = queues_[owner];
    std::optional<T> item(std::move(queue.front()));
    queue.pop_front();
    --size_;
    if (queue.empty()) {
      queues_.erase(owner);
    } else {
      turns_.push_back(owner);
    }
    return item;
  }

  // True if it was there.
  bool erase(std::uint64_t owner, const T& item) {
    const auto found = queues_.find(owner);
    if (found == queues_.end() || std::erase(found->second, item) == 0) return false;
    --size_;
    if (found->second.empty()) {
      queues_.erase(found);
      std::erase(turns_, owner);
    }
    return true;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::unordered_map<std::uint64_t, std::deque<T>> queues_;
  std::deque<std::uint64_t> turns_;  // owners with work, each once
  std::size_t size_ = 0;
};

}  // namespace holdfast
