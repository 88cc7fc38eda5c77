// Registry, how one root is covered: what its files are compared with, its marks, whose it is.
#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "alert/process_facts.h"
#include "container/change_time_content.h"
#include "container/mark_plan.h"
#include "container/overlay_maker.h"
#include "daemon/registry.h"
#include "kernel/file_stat.h"

namespace holdfast {
namespace {

// No FAN_CLOSE_WRITE beside the gates: what they let happen they have reported, and a file that
// gets its x bit after the write would be told of or not as chance has it.
constexpr std::uint64_t kBlockMask = FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM;
constexpr std::uint64_t kAlertMask = FAN_OPEN | FAN_OPEN_EXEC | FAN_CLOSE_WRITE;
// Why an overlay of these layers cannot be marked; empty: it can. Filesystems are told by their
// device, as statfs(2) asks a server.
std::string obstacle(const OverlayLayers& layers, const std::vector<Mount>& mounts) {
  std::vector<std::string> all = layers.lower;
  all.insert(all.end(), layers.data_only.begin(), layers.data_only.end());
  if (!layers.upper.empty()) all.push_back(layers.upper);
  for (const std::string& layer : all) {
    const std::optional<FileStat> file = stat_of_path(layer);
    const auto mount = std::find_if(mounts.begin(), mounts.end(), [&](const Mount& candidate) {
      return file && candidate.device == device_of(*file);
    });
    if (mount == mounts.end()) continue;
    // One reader that holds permission marks on an overlay and on the overlay below it blocks in
    // its own read() (6.16 to 7.2).
    if (mount->type == "overlay") {
      return "its layer " + layer + " lies on another overlay: marking both could deadlock";
    }
    if (never_marked(mount->type)) {
      return "its layer " + layer + " lies on " + mount->type + ", where a mark could hang";
    }
  }
  return "";
}

std::string last_component(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// Names a root that no runtime claims: a layer's directory, a bundle.
std::string fallback_id(const std::string& mount_point) {
  std::string name = last_component(mount_point);
  if (name == "merged" || name == "rootfs") {
    name = last_component(mount_point.substr(0, mount_point.rfind('/')));
  }
  return name;
}

std::shared_ptr<const Workload> named(const std::string& id) {
  auto workload = std::make_shared<Workload>();
  workload->container.id = id;
  return workload;
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t created_ns(const std::optional<WorkloadFacts>& facts, pid_t pid) {
  if (facts && facts->created) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(facts->created->time_since_epoch())
        .count();
  }
  return read_process_facts(pid, Args::skip).start_seconds.value_or(0) * 1'000'000'000;
}

}  // namespace

std::string Registry::root_key(const Mount& mount) {
  return std::to_string(mount.device) + " " + mount.super_options;
}

std::string Registry::proc_root(pid_t pid) { return "/proc/" + std::to_string(pid) + "/root"; }

Registry::Root Registry::make_overlay_root(const Mount& mount, std::optional<pid_t> pid) {
  const bool on_host = !pid;
  const std::string mark_path = on_host ? host_.path(mount.mount_point) : proc_root(*pid);
  Root root;
  root.key = root_key(mount);
  root.mark_path = mark_path;
  root.type = mount.type;
  root.device = mount.device;
  root.on_host = on_host;
  const Result<OverlayLayers> layers = overlay_layers(mount, host_.prefix());
  if (!layers) {
    root.reason = layers.error().message();
    return root;
  }
  const Result<std::string> mounts = read_small_file(host_.mountinfo_path(), 64U << 20);
  root.reason = mounts ? obstacle(*layers, parse_mountinfo(*mounts)) : mounts.error().message();
  if (root.reason.empty() && !on_host) {
    root.reason = why_layers_are_unknown(mount, *layers, host_.prefix(), *pid, resolver_);
  }
  if (!root.reason.empty()) return root;
  Result<std::shared_ptr<OverlayContent>> content =
      OverlayContent::open(*layers, settings_.compare_limit, services_.is_mapped);
  if (!content) {
    root.reason = content.error().message();
    return root;
  }
  root.overlay = *content;
  const std::optional<WorkloadFacts> facts =
      on_host ? resolver_.by_mount_point(mount.mount_point) : std::nullopt;
  if (!pid) {
    const auto process = first_processes_.find(mount.device);
    if (process != first_processes_.end()) pid = process->second;
  }
  Result<std::shared_ptr<OverlayContent>> own =
      OverlayContent::open(*layers, settings_.compare_limit, services_.is_mapped,
                           OverlayContent::Files::mounted_over_it);
  if (!own) {
    root.reason = own.error().message();
    return root;
  }
  root.drift.overlay_device = mount.device;
  root.drift.own = *own;
  set_volume_content(root, facts, pid);
  Place root_place{.device = mount.device,
                   .views = {mark_path},
                   .content = *content,
                   .rules = {.elf = settings_.executables_elf},
                   .overlay = true};
  const Status placed =
      place(root, std::move(root_place), {on_host ? mount.mount_point : "", mount.device},
            facts ? facts->workload : named(fallback_id(mount.mount_point)), pid);
  if (!placed) {
    root.reason = placed.error().message();
    root.guard = nullptr;
    return root;
  }
  if (!facts) identify_later(root);
  watch_changes(root, *layers);
  return root;
}

void Registry::watch_changes(Root& root, const OverlayLayers& layers) {
  if (layers.upper.empty()) return;
  // What was mapped for writing was opened for it, in sight of the gates.
  Result<std::shared_ptr<OverlayContent>> content =
      OverlayContent::open(layers, settings_.compare_limit, [](const auto&) { return false; });
  if (!content) return;
  root.layer = std::make_shared<WatchedLayer>(WatchedLayer{layers.upper, *content, root.guard});
  const Status watched = changes_.add(root.key, root.layer);
  root.unwatched = watched ? "" : watched.error().message();
  root.guard->set_layer_watched(watched.ok());
  if (!watched) spdlog::warn("changes in {} are not seen: {}", layers.upper, root.unwatched);
}

Registry::Root Registry::make_mounted_root(const ContainerCgroup& container, pid_t pid,
                                           const Mount& mount) {
  Root root;
  root.key = container.container_id;
  root.scope = MarkScope::mount;
  root.mark_path = proc_root(pid);
  root.type = mount.type;
  root.device = mount.device;
  if (never_marked(mount.type)) {
    root.reason = "its root is on " + mount.type + ", where a permission mark could hang";
    return root;
  }
  const std::optional<WorkloadFacts> facts = resolver_.by_id(container.container_id);
  set_volume_content(root, facts, pid);
  root.drift.own = std::make_shared<ChangeTimeContent>(0, "not part of the image");
  Place root_place{.device = mount.device,
                   .views = {root.mark_path},
                   .content = std::make_shared<ChangeTimeContent>(created_ns(facts, pid)),
                   .rules = {.elf = settings_.executables_elf}};
  if (Status placed = place(root, std::move(root_place), {"", mount.device},
                            facts ? facts->workload : named(container.container_id), pid);
      !placed) {
    root.reason = placed.error().message();
    root.guard = nullptr;
  }
  return root;
}

Status Registry::mark(const Root& root, FanotifyGroup& group) const {
  // What is marked is what was looked at, whatever the path leads to a moment later.
  const UniqueFd fd(open(root.mark_path.c_str(), O_PATH | O_CLOEXEC));
  const std::string same = "/proc/self/fd/" + std::to_string(fd.get());
  const std::optional<ObjectId> at = fd.valid() ? object_id(same) : std::nullopt;
  if (!at || at->device != root.device) {
    return Error{ESTALE, "find the container's root at " + root.mark_path, ""};
  }
  Status marked = group.mark(root.scope, settings_.block ? kBlockMask : kAlertMask, same);
  if (marked) return marked;
  return Error{marked.error().code, "fanotify mark on " + root.mark_path, marked.error().remedy};
}

Status Registry::place(Root& root, Place root_place, RootMount where,
                       std::shared_ptr<const Workload> workload, std::optional<pid_t> pid) {
  // Marks of the two kinds do not mix: each kind has a group of its own.
  Result<std::shared_ptr<FanotifyGroup>> group =
      groups_.open(descriptor_key((settings_.block ? "block " : "alert ") + root.key),
                   settings_.block ? EventQueue::unlimited : EventQueue::limited);
  if (!group) return group.error();
  if (Status marked = mark(root, **group); !marked) return marked;
  root.guard = std::make_shared<ContainerGuard>(
      *group,
      std::make_shared<const Places>(std::move(root_place), std::vector<Place>(),
                                     root.drift.volume),
      std::move(where), std::move(workload), services_,
      root.guard ? root.guard->counters() : std::make_shared<ContainerCounters>());
  root.drift.elf = settings_.executables_elf;
  root.drift.mask = settings_.block ? kBlockMask : kAlertMask;
  root.mounts = std::make_shared<ContainerMounts>(
      root.guard, root.drift, host_devices_, host_.mounts(), calls_,
      [this](const std::shared_ptr<ContainerMounts>& mounts, ino_t mount_namespace, pid_t process) {
        mount_watch_.watch(mounts, mount_namespace, process);
      });
  root.guard->set_scout(root.mounts);
  // Before the events that an earlier worker left: some are of volumes.
  if (pid) root.mounts->look(*pid);
  const Result<std::uint64_t> key = responder_.add(root.guard);
  if (!key) return key.error();
  root.responder_key = *key;
  return {};
}

// A worker that takes over has to know the volumes of what runs before it decides anything.
void Registry::note_processes() {
  const Result<std::vector<ContainerCgroup>> found = find_container_cgroups(&resolver_);
  if (!found) return;
  for (const ContainerCgroup& container : *found) {
    const std::size_t most = std::min(container.pids.size(), kPidsLookedAt);
    for (std::size_t i = 0; i < most; ++i) {
      const std::optional<ObjectId> root = object_id(proc_root(container.pids[i]));
      if (root && !host_.is_host_root(*root)) {
        first_processes_.try_emplace(root->device, container.pids[i]);
      }
    }
  }
}

void Registry::set_volume_content(Root& root, const std::optional<WorkloadFacts>& facts,
                                  std::optional<pid_t> pid) {
  if (!settings_.volumes_trusted) {
    root.drift.volume = std::make_shared<ChangeTimeContent>(0, "on a volume");
    return;
  }
  const std::int64_t started =
      pid ? read_process_facts(*pid, Args::skip).start_seconds.value_or(0) * 1'000'000'000
          : now_ns();
  root.reference = std::make_shared<ChangeTimeContent>(
      facts ? references_.of(*facts, started) : started,
      "on a volume, and changed after the workload was created");
  root.drift.volume = root.reference;
}

// Until a runtime's files name the root's owner, each act asks who its process belongs to.
void Registry::identify_later(const Root& root) {
  ContainerGuard& guard = *root.guard;
  guard.set_identify([this, &guard, reference = root.reference](pid_t tid) {
    const Result<std::string> cgroup = read_small_file("/proc/" + std::to_string(tid) + "/cgroup");
    const std::optional<std::string> id =
        cgroup ? container_of_process(*cgroup, &resolver_) : std::nullopt;
    if (id) set_container(guard, reference.get(), *id);
    return guard.workload();
  });
}

void Registry::set_container(ContainerGuard& guard, ChangeTimeContent* reference,
                             const std::string& container_id) {
  const std::optional<WorkloadFacts> facts = resolver_.by_id(container_id);
  if (facts && reference != nullptr) {
    reference->set_created(references_.of(*facts, now_ns()));
  }
  guard.set_workload(facts ? facts->workload : named(container_id));
  if (facts) guard.set_identify(nullptr);
}

std::shared_ptr<const Workload> Registry::workload_of(const std::string& container_id) const {
  const std::optional<WorkloadFacts> facts = resolver_.by_id(container_id);
  return facts ? facts->workload : named(container_id);
}

}  // namespace holdfast
