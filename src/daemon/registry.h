// Which containers there are, and how each is covered. Finds container roots in the host's mounts
// and by cgroup, gives each a fanotify group with marks, and takes it away when the container goes.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "container/cgroup_walk.h"
#include "container/change_time_content.h"
#include "container/mountinfo.h"
#include "container/overlay_content.h"
#include "container/volume_reference.h"
#include "container/workload_resolver.h"
#include "daemon/container_mounts.h"
#include "daemon/host_view.h"
#include "daemon/mount_watch.h"
#include "sensor/change_watch.h"
#include "sensor/container_guard.h"
#include "sensor/responder.h"

namespace holdfast {

enum class Coverage : std::uint8_t { full, none };

struct ContainerStatus {
  std::shared_ptr<const Workload> workload;
  Coverage coverage = Coverage::none;
  std::string reason;     // why there is no coverage, or what limits it
  std::string root_type;  // "overlay"
  std::vector<UnmarkedMount> unmarked;
  std::string unwatched;   // why the change watch does not see its changes; empty: it does
  std::size_t marked = 0;  // its root and the mounts in it
  std::optional<Identity> identity = std::nullopt;              // what is known by now
  std::shared_ptr<const ContainerCounters> counters = nullptr;  // null: not covered
};

struct RegistrySettings {
  std::uint64_t compare_limit = 0;
  bool block = true;  // permission marks; false: notifications only
  bool executables_elf = true;
  bool volumes_trusted = true;
  std::string references_file;  // of VolumeReferences
};

// Used by one thread; containers() by any.
class Registry {
 public:
  Registry(const HostView& host, const WorkloadResolver& resolver, HeldGroups groups,
           Responder& responder, ChangeWatch& changes, const GuardServices& services,
           BoundedCalls& calls, MountWatch& mount_watch, RegistrySettings settings);
  ~Registry();

  // Marks every container overlay among the host's mounts. Cheap: for every mount change and hold.
  Status scan_mounts();
  // Finds containers by cgroup: those with other roots, those not visible among the host's mounts,
  // those that cannot be covered. True when some container is not set up yet and has to be looked
  // at again.
  bool scan_cgroups();

  // The first scans are done: ends the groups that an earlier worker held for roots that were not
  // found again.
  void release_unclaimed();

  // The clock was set: birth times no longer order files.
  void distrust_birth_order();
  // Policies changed: marks of the other kind. New marks are placed before the old ones go.
  void set_block(bool block);

  std::vector<ContainerStatus> containers() const;

  // Of the container, or while no runtime's files tell whose the root is, of a root of that device;
  // null: it is not covered. By any thread.
  std::shared_ptr<ContainerGuard> guard_of(const std::string& container_id, dev_t root) const;
  // The same of a process, by its control group, else by its root; null for the host's.
  std::shared_ptr<ContainerGuard> guard_of_process(pid_t tid) const;
  // Called at the end of the first scans, for groups of another kind than containers'.
  void set_on_scanned(std::function<void()> on_scanned) { on_scanned_ = std::move(on_scanned); }
  // Called once for each container when its processes are known to be covered. Before any scan.
  void set_on_covered(std::function<void(const std::string& container_id)> on_covered) {
    on_covered_ = std::move(on_covered);
  }

 private:
  struct Root {
    std::string key;                        // device and super options, or container id
    std::shared_ptr<ContainerGuard> guard;  // null: not covered, for `reason`
    std::shared_ptr<ContainerMounts> mounts;
    ContainerMounts::Setting drift;                // on its mounts
    std::shared_ptr<ChangeTimeContent> reference;  // of its volumes; null: none is trusted
    std::uint64_t responder_key = 0;
    MarkScope scope = MarkScope::filesystem;
    std::string mark_path;
    std::string type;  // filesystem type
    dev_t device = 0;
    bool on_host = false;                     // among the host's mounts at the last scan
    std::shared_ptr<OverlayContent> overlay;  // null for other roots
    std::string reason;
    std::shared_ptr<const WatchedLayer> layer;  // null: without an upper layer of its own
    std::string unwatched = "its root is no overlay with an upper layer";
  };
  struct Uncovered {
    std::shared_ptr<const Workload> workload;
    std::string reason;
    std::string root_type;
  };
  // Outcome of looking at one container found by cgroup.
  enum class Look : std::uint8_t { covered, uncovered, not_set_up };

  static constexpr std::size_t kPidsLookedAt = 16;  // of a container
  static std::string root_key(const Mount& mount);
  static std::string proc_root(pid_t pid);
  // `pid`: a process whose root it is, if it is not among the host's mounts.
  Root make_overlay_root(const Mount& mount, std::optional<pid_t> pid);
  void note_processes();
  void set_volume_content(Root& root, const std::optional<WorkloadFacts>& facts,
                          std::optional<pid_t> pid);
  Root make_mounted_root(const ContainerCgroup& container, pid_t pid, const Mount& mount);
  Status place(Root& root, Place root_place, RootMount where,
               std::shared_ptr<const Workload> workload, std::optional<pid_t> pid);
  Status mark(const Root& root, FanotifyGroup& group) const;
  void watch_changes(Root& root, const OverlayLayers& layers);
  void identify_later(const Root& root);
  void set_container(ContainerGuard& guard, ChangeTimeContent* reference,
                     const std::string& container_id);
  Look look_at(const ContainerCgroup& container, std::unordered_set<dev_t>& devices_in_use);
  void add_root(Root root);
  void drop_roots(const std::unordered_set<dev_t>& devices_in_use,
                  const std::unordered_set<std::string>& containers);
  void report_uncovered(const std::string& id, const std::string& reason, const std::string& type);
  std::shared_ptr<const Workload> workload_of(const std::string& container_id) const;

  const HostView& host_;
  const WorkloadResolver& resolver_;
  HeldGroups groups_;
  Responder& responder_;
  ChangeWatch& changes_;
  const GuardServices& services_;
  BoundedCalls& calls_;
  MountWatch& mount_watch_;
  RegistrySettings settings_;
  VolumeReferences references_;
  std::unordered_set<dev_t> host_devices_;            // superblocks among the host's mounts
  std::unordered_map<dev_t, pid_t> first_processes_;  // by the device of their root

  mutable std::mutex mutex_;
  std::map<std::string, Root> roots_;  // by device and super options, or container id
  std::unordered_map<std::string, Uncovered> uncovered_;  // by container id
  std::unordered_map<std::string, std::chrono::steady_clock::time_point> settling_;  // first seen
  std::unordered_set<std::string> covered_;  // container ids that on_covered_ was called for
  std::function<void(const std::string&)> on_covered_ = [](const std::string&) {};
  std::function<void()> on_scanned_ = [] {};
};

}  // namespace holdfast
