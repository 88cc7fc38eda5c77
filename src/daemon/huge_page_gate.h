// Memory files of huge pages (memfd_create(2), MFD_HUGETLB): all of one page size are on one
// filesystem of the kernel's, where a mark on one of them covers them all, whoever makes them and
// when. So their execve is asked about in containers without the seccomp profile too; the host's
// own raise events as well, and are let happen. Under policies that only alert it is asked about
// all the same: of a process that nobody holds, nobody can tell afterwards whose it was.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sensor/responder.h"

namespace holdfast {

struct HugePageStatus {
  std::size_t page_sizes = 0;  // that are marked
  std::string reason;          // why some are not
};

class HugePageGate {
 public:
  using FindGuard = std::function<std::shared_ptr<ContainerGuard>(pid_t tid)>;

  HugePageGate(HeldGroups groups, Responder& responder, FindGuard find_guard)
      : groups_(std::move(groups)), responder_(responder), find_guard_(std::move(find_guard)) {}
  ~HugePageGate();

  // Once, when the containers are known: takes over the group that an earlier worker held, with
  // what waits in it. What cannot be marked is left to the exec watch.
  void start();

  // By any thread. Is the execve of files on that device asked about?
  bool covers(dev_t device) const;
  HugePageStatus status() const;

 private:
  Status mark();

  HeldGroups groups_;
  Responder& responder_;
  FindGuard find_guard_;
  std::optional<std::uint64_t> key_;  // of the responder

  mutable std::mutex mutex_;
  std::vector<dev_t> devices_;
  std::string reason_;
};

}  // namespace holdfast
