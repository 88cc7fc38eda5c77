// A group of permission events, and whose they are. Most are one container's; a mark on what all
// processes of the machine share (huge-page memory files) raises events of anybody.
#pragma once

#include <functional>
#include <memory>

#include "sensor/container_guard.h"

namespace holdfast {

struct EventSource {
  std::shared_ptr<FanotifyGroup> group;
  std::shared_ptr<ContainerGuard> guard;  // of all its events; null: `find_guard` is asked for each
  std::function<std::shared_ptr<ContainerGuard>(pid_t tid)> find_guard;

  // Null: of no covered container. The event is let happen.
  std::shared_ptr<ContainerGuard> guard_of(pid_t tid) const {
    return guard ? guard : find_guard(tid);
  }
};

}  // namespace holdfast
