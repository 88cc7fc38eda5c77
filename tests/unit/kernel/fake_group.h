// A fanotify group without a kernel: hands out what a test queued and records the answers.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "kernel/fanotify.h"

namespace holdfast {

class FakeGroup : public FanotifyGroup {
 public:
  int fd() const override { return -1; }
  Status mark(MarkScope, std::uint64_t, const std::string&) override { return {}; }
  Status ignore(std::uint64_t, const std::string&) override { return {}; }
  Result<std::optional<FanotifyEvent>> read() override {
    if (queued.empty()) return std::optional<FanotifyEvent>();
    std::optional<FanotifyEvent> event(std::move(queued.front()));
    queued.pop_front();
    return event;
  }
  Status answer(int event_fd, bool allow) override {
    ++attempts;
    if (refuse_with != 0) return Error{std::exchange(refuse_with, 0), "answer", ""};
    answers[event_fd].push_back(allow);
    return {};
  }

  std::deque<FanotifyEvent> queued;
  std::map<int, std::vector<bool>> answers;  // by event descriptor
  int attempts = 0;
  int refuse_with = 0;  // errno of the next answer
};

}  // namespace holdfast
