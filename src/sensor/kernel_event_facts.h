// EventFacts of a real event: each answer asked of the kernel once, when it is needed.
#pragma once

#include <string>

#include "sensor/event_facts.h"
#include "sensor/places.h"

namespace holdfast {

// Where a root is mounted, to turn a host path into the container's.
struct RootMount {
  std::string mount_point;  // on the host; empty: not visible there
  dev_t device = 0;         // of the root's superblock
};

class KernelEventFacts : public EventFacts {
 public:
  // Of a thread that waits for an answer. What is referred to must live as long.
  KernelEventFacts(int fd, pid_t tid, const RootMount& root) : fd_(fd), tid_(tid), root_(root) {}
  // Of one that has gone on: its call tells nothing, and the file's mount may be gone.
  KernelEventFacts(int fd, pid_t tid, const RootMount& root, const Places& places)
      : fd_(fd), tid_(tid), root_(root), places_(&places) {}

  std::optional<FileStat> file() override;
  WriteAccess write_access() override { return probe_write_access(fd_); }
  std::optional<BlockedSyscall> syscall() override {
    return places_ == nullptr ? read_blocked_syscall(tid_) : std::nullopt;
  }
  bool on_overlay() override;
  Loadable loadable() override { return loadable_if_cached(fd_); }
  std::optional<std::string> path() override;

 private:
  int fd_;
  pid_t tid_;
  const RootMount& root_;
  const Places* places_ = nullptr;
  std::optional<FileStat> file_;
  std::optional<std::string> path_;
};

// Pure: the container's path of `raw` (readlink of the descriptor). `container_rooted`: the
// opener's root is on the container's root superblock, so that the path is already the container's.
std::string container_path(std::string raw, bool unlinked, const std::string& mount_point,
                           bool container_rooted);

}  // namespace holdfast
