#include "daemon/registry.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "alert/process_facts.h"
#include "container/change_time_content.h"
#include "container/mark_plan.h"
#include "container/overlay_maker.h"
#include "kernel/file_stat.h"

namespace holdfast {
namespace {

constexpr std::chrono::seconds kSetUpTakes{2};

}  // namespace

Registry::Registry(const HostView& host, const WorkloadResolver& resolver, HeldGroups groups,
                   Responder& responder, ChangeWatch& changes, const GuardServices& services,
                   BoundedCalls& calls, MountWatch& mount_watch, RegistrySettings settings)
    : host_(host),
      resolver_(resolver),
      groups_(std::move(groups)),
      responder_(responder),
      changes_(changes),
      services_(services),
      calls_(calls),
      mount_watch_(mount_watch),
      settings_(std::move(settings)),
      references_(settings_.references_file) {
  note_processes();
}

Registry::~Registry() {
  for (auto& [key, root] : roots_) {
    if (root.guard) responder_.remove(root.responder_key);
  }
}

Status Registry::scan_mounts() {
  const Result<std::string> text = read_small_file(host_.mountinfo_path(), 64U << 20);
  if (!text) return text.error();
  for (auto& [key, root] : roots_) root.on_host = false;
  const std::vector<Mount> mounts = parse_mountinfo(*text);
  host_devices_.clear();
  for (const Mount& mount : mounts) host_devices_.insert(mount.device);
  for (const Mount& mount : mounts) {
    if (mount.type != "overlay" || host_.runs_from(mount.device)) continue;
    const std::string key = root_key(mount);
    const auto known = roots_.find(key);
    if (known == roots_.end()) {
      add_root(make_overlay_root(mount, std::nullopt));
      continue;
    }
    if (known->second.on_host) continue;
    known->second.on_host = true;
    // A container that was stopped and started again has a new superblock with the same number and
    // options: marking what is marked already changes nothing.
    if (known->second.guard) {
      known->second.mark_path = host_.path(mount.mount_point);
      if (Status marked = mark(known->second, known->second.guard->group()); !marked) {
        spdlog::warn("{}", marked.error().message());
      }
    }
  }
  return {};
}

void Registry::add_root(Root root) {
  // containerd mounts an image there for a moment, to look something up in it: nobody's container.
  const bool passing = root.mark_path.find("/tmpmounts/containerd-mount") != std::string::npos;
  if (root.guard) {
    const std::string id = root.guard->workload()->container.id;
    spdlog::log(passing ? spdlog::level::debug : spdlog::level::info, "covering {} on {}", id,
                root.mark_path);
    if (services_.identities != nullptr && !passing) services_.identities->appeared(id);
  } else {
    spdlog::log(passing ? spdlog::level::debug : spdlog::level::warn, "cannot cover {}: {}",
                root.mark_path, root.reason);
  }
  std::lock_guard lock(mutex_);
  const std::string key = root.key;
  roots_.insert_or_assign(key, std::move(root));
}

bool Registry::scan_cgroups() {
  const Result<std::vector<ContainerCgroup>> found = find_container_cgroups(&resolver_);
  if (!found) {
    spdlog::error("{}", found.error().message());
    return false;
  }
  std::unordered_set<dev_t> devices_in_use;
  std::unordered_set<std::string> containers;
  bool again = false;
  for (const ContainerCgroup& container : *found) {
    if (container.pids.empty()) continue;
    containers.insert(container.container_id);
    const Look look = look_at(container, devices_in_use);
    if (look == Look::covered && covered_.insert(container.container_id).second) {
      on_covered_(container.container_id);
    }
    if (look == Look::not_set_up) {
      const auto [first, is_new] =
          settling_.try_emplace(container.container_id, std::chrono::steady_clock::now());
      if (std::chrono::steady_clock::now() - first->second < kSetUpTakes) {
        again = true;
      } else {
        report_uncovered(container.container_id, "its root is the host's root", "");
      }
    } else {
      settling_.erase(container.container_id);
    }
  }
  drop_roots(devices_in_use, containers);
  // Reads files: after the marks, for which runtimes are held.
  if (services_.identities != nullptr) services_.identities->set_present(*found);
  return again;
}

Registry::Look Registry::look_at(const ContainerCgroup& container,
                                 std::unordered_set<dev_t>& devices_in_use) {
  const std::size_t most = std::min(container.pids.size(), kPidsLookedAt);
  for (std::size_t i = 0; i < most; ++i) {
    const pid_t pid = container.pids[i];
    const std::optional<ObjectId> root_id = object_id(proc_root(pid));
    if (root_id && host_.is_own_container(*root_id)) return Look::covered;  // by nobody: it is ours
    if (!root_id || host_.is_host_root(*root_id)) continue;
    const auto known = std::find_if(roots_.begin(), roots_.end(), [&](const auto& entry) {
      return entry.second.device == root_id->device &&
             (entry.second.scope == MarkScope::filesystem || entry.first == container.container_id);
    });
    if (known != roots_.end()) {
      devices_in_use.insert(root_id->device);
      if (!known->second.guard) {
        report_uncovered(container.container_id, known->second.reason, known->second.type);
        return Look::uncovered;
      }
      if (!known->second.mounts->knows(pid)) {
        known->second.mounts->set_host_devices(host_devices_);
        known->second.mounts->look(pid);
      }
      if (!known->second.on_host) {
        // Known through its processes only: it may have been stopped and started again.
        known->second.mark_path = proc_root(pid);
        if (Status marked = mark(known->second, known->second.guard->group()); !marked) {
          spdlog::warn("{}", marked.error().message());
        }
      }
      if (known->second.guard->workload()->container.id != container.container_id) {
        set_container(*known->second.guard, known->second.reference.get(), container.container_id);
      }
      return Look::covered;
    }
    const Result<std::string> text =
        read_small_file("/proc/" + std::to_string(pid) + "/mountinfo", 64U << 20);
    if (!text) continue;
    const std::vector<Mount> mounts = parse_mountinfo(*text);
    const auto root_mount = std::find_if(mounts.rbegin(), mounts.rend(), [](const Mount& mount) {
      return mount.mount_point == "/";
    });
    if (root_mount == mounts.rend() || root_mount->device != root_id->device) continue;
    if (root_mount->type == "overlay") {
      if (host_.runs_from(root_mount->device)) return Look::covered;  // another view of our own
      add_root(make_overlay_root(*root_mount, pid));
    } else {
      add_root(make_mounted_root(container, pid, *root_mount));
    }
    return look_at(container, devices_in_use);
  }
  return Look::not_set_up;
}

void Registry::drop_roots(const std::unordered_set<dev_t>& devices_in_use,
                          const std::unordered_set<std::string>& containers) {
  std::lock_guard lock(mutex_);
  std::erase_if(roots_, [&](const auto& entry) {
    const auto& [key, root] = entry;
    const bool alive = root.scope == MarkScope::mount
                           ? containers.contains(key)
                           : root.on_host || devices_in_use.contains(root.device);
    if (!alive && root.guard) {
      responder_.remove(root.responder_key);
      changes_.remove(key);
    }
    return !alive;
  });
  std::erase_if(uncovered_, [&](const auto& entry) { return !containers.contains(entry.first); });
  std::erase_if(settling_, [&](const auto& entry) { return !containers.contains(entry.first); });
  std::erase_if(covered_, [&](const std::string& id) { return !containers.contains(id); });
}

void Registry::report_uncovered(const std::string& id, const std::string& reason,
                                const std::string& type) {
  if (uncovered_.contains(id)) return;
  std::shared_ptr<const Workload> workload = workload_of(id);
  spdlog::warn("container {} is not protected: {}", id, reason);
  AlertRecord record;
  record.time = std::chrono::system_clock::now();
  record.event.workload = workload;
  record.outcome = Outcome::unprotected;
  record.reason = reason;
  services_.report(std::move(record));
  std::lock_guard lock(mutex_);
  uncovered_.emplace(id, Uncovered{std::move(workload), reason, type});
}

void Registry::release_unclaimed() {
  on_scanned_();
  first_processes_.clear();  // numbers of processes and filesystems are used again
  const std::size_t undecided = responder_.answer_unclaimed();
  if (undecided > 0) {
    spdlog::warn("{} opens that an earlier worker left could not be decided any more", undecided);
  }
  for (HeldDescriptor& entry : groups_.descriptors.entries()) {
    if (entry.state != HeldDescriptor::unclaimed ||
        entry.kind != DescriptorKind::permission_group) {
      continue;
    }
    (void)groups_.open(entry.key).ok();  // and lets it go
  }
}

void Registry::distrust_birth_order() {
  for (auto& [key, root] : roots_) {
    if (root.overlay) root.overlay->distrust_birth_order();
  }
}

void Registry::set_block(bool block) {
  if (settings_.block == block) return;
  settings_.block = block;
  std::lock_guard lock(mutex_);
  for (auto& [key, root] : roots_) {
    if (!root.guard) continue;
    const std::shared_ptr<ContainerGuard> old = root.guard;
    const std::shared_ptr<ContainerMounts> old_mounts = root.mounts;
    const std::uint64_t old_key = root.responder_key;
    if (Status placed =
            place(root, old->places()->root(), old->root(), old->workload(), std::nullopt);
        !placed) {
      spdlog::error("marks of {} stay as they were: {}", root.mark_path, placed.error().message());
      root.guard = old;
      root.mounts = old_mounts;
      root.responder_key = old_key;
      continue;
    }
    // All of its namespaces, not those alone that a scan finds.
    for (const pid_t pid : mount_watch_.processes(*old_mounts)) root.mounts->look(pid);
    identify_later(root);
    if (root.layer) {
      root.layer = std::make_shared<WatchedLayer>(
          WatchedLayer{root.layer->upper, root.layer->content, root.guard});
      const bool watched = root.unwatched.empty() && changes_.add(root.key, root.layer).ok();
      root.guard->set_layer_watched(watched);
    }
    responder_.remove(old_key);
  }
  spdlog::info("marks follow the policy: {}", block ? "blocking" : "reporting only");
}

std::vector<ContainerStatus> Registry::containers() const {
  std::vector<ContainerStatus> list;
  std::lock_guard lock(mutex_);
  for (const auto& [key, root] : roots_) {
    if (!root.guard) continue;
    list.push_back({root.guard->workload(), Coverage::full, "", root.type, root.mounts->unmarked(),
                    root.unwatched, root.guard->places()->count(), std::nullopt,
                    root.guard->counters()});
  }
  for (const auto& [id, uncovered] : uncovered_) {
    list.push_back(
        {uncovered.workload, Coverage::none, uncovered.reason, uncovered.root_type, {}, ""});
  }
  return list;
}

std::shared_ptr<ContainerGuard> Registry::guard_of(const std::string& container_id,
                                                   dev_t root) const {
  std::lock_guard lock(mutex_);
  std::shared_ptr<ContainerGuard> by_device;
  for (const auto& [key, entry] : roots_) {
    if (!entry.guard) continue;
    if (entry.guard->workload()->container.id == container_id) return entry.guard;
    if (entry.device == root && entry.scope == MarkScope::filesystem) by_device = entry.guard;
  }
  return by_device;
}

std::shared_ptr<ContainerGuard> Registry::guard_of_process(pid_t tid) const {
  const Result<std::string> cgroup = read_small_file("/proc/" + std::to_string(tid) + "/cgroup");
  const std::optional<std::string> id =
      cgroup ? container_of_process(*cgroup, &resolver_) : std::nullopt;
  const std::optional<ObjectId> root = object_id(proc_root(tid));
  if (!root) return nullptr;
  if (id) return guard_of(*id, root->device);
  // In a control group that nobody knows: by the root that it sees.
  return host_.is_host_root(*root) ? nullptr : guard_of("", root->device);
}

}  // namespace holdfast
