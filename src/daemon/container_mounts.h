// What one container mounted: volumes, tmpfs, whatever it mounts later, in each of its mount
// namespaces. Finds the mounts, tells the guard what drift is there, and marks them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "container/mark_plan.h"
#include "kernel/bounded_call.h"
#include "kernel/procfs.h"
#include "sensor/container_guard.h"

namespace holdfast {

// A mount that is not marked: what runs from there only the exec watch sees.
struct UnmarkedMount {
  std::string mount_point;
  std::string type;
  std::string reason;
  bool operator==(const UnmarkedMount&) const = default;
};

class ContainerMounts : public MountScout, public std::enable_shared_from_this<ContainerMounts> {
 public:
  struct Setting {
    dev_t overlay_device = 0;             // of an overlay root; 0 for another
    std::shared_ptr<RootContent> own;     // drift on a filesystem of the container's own
    std::shared_ptr<RootContent> volume;  // drift on a filesystem of the host's
    bool elf = true;
    std::uint64_t mask = 0;  // of the marks
  };
  // `watch` is called with a mount namespace that was marked and a process of it.
  using Watch = std::function<void(const std::shared_ptr<ContainerMounts>&, ino_t, pid_t)>;

  ContainerMounts(const std::shared_ptr<ContainerGuard>& guard, Setting setting,
                  std::unordered_set<dev_t> host_devices, ObjectId host_namespace,
                  BoundedCalls& calls, Watch watch);

  bool knows(pid_t tid) const override;
  void look(pid_t tid) override;
  // The namespace's mounts changed: the next exec there looks again.
  void forget(ino_t mount_namespace);
  // Nothing holds the namespace any more: the numbers of its filesystems will be others'.
  void ended(ino_t mount_namespace);

  void set_host_devices(std::unordered_set<dev_t> devices);
  std::vector<UnmarkedMount> unmarked() const;

 private:
  struct Found {
    std::vector<Place> places;
    std::vector<UnmarkedMount> unmarked;
  };
  bool mark_all(pid_t tid, ino_t mount_namespace);
  void keep(ino_t mount_namespace, Found found);
  void publish();

  const std::weak_ptr<ContainerGuard> guard_;
  const Setting setting_;
  const ObjectId host_namespace_;
  BoundedCalls& calls_;
  const Watch watch_;

  mutable std::mutex mutex_;
  std::unordered_set<dev_t> host_devices_;
  std::map<ino_t, Found> namespaces_;  // by inode of /proc/PID/ns/mnt
  std::unordered_set<ino_t> known_;    // those marked since their last change
};

}  // namespace holdfast
