#include "daemon/container_mounts.h"

#include <dirent.h>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "container/change_time_content.h"

namespace holdfast {
namespace {

constexpr std::chrono::milliseconds kLookTakes{250};
// A container that makes mount namespaces by the thousand has the oldest forgotten.
constexpr std::size_t kMostNamespaces = 64;

std::optional<ObjectId> mount_namespace(pid_t tid) {
  return object_id("/proc/" + std::to_string(tid) + "/ns/mnt");
}

std::string descriptor_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// Device nodes raise events before 6.14, at which the kernel opens the device once more for us.
void ignore_devices(FanotifyGroup& group, int directory, std::uint64_t mask) {
  const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = copy >= 0 ? fdopendir(copy) : nullptr;
  if (entries == nullptr) return;
  while (const dirent* entry = readdir(entries)) {
    if (entry->d_type != DT_CHR && entry->d_type != DT_BLK) continue;
    // A container may put a link there meanwhile: only what is opened here is ignored.
    const UniqueFd node(openat(directory, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat file {};
    if (fstat(node.get(), &file) != 0 || (!S_ISCHR(file.st_mode) && !S_ISBLK(file.st_mode)))
      continue;
    (void)group.ignore(mask, descriptor_path(node.get())).ok();
  }
  closedir(entries);
}

std::shared_ptr<RootContent> hosts_own() {
  return std::make_shared<ChangeTimeContent>(std::numeric_limits<std::int64_t>::max());
}

}  // namespace

ContainerMounts::ContainerMounts(const std::shared_ptr<ContainerGuard>& guard, Setting setting,
                                 std::unordered_set<dev_t> host_devices, ObjectId host_namespace,
                                 BoundedCalls& calls, Watch watch)
    : guard_(guard),
      setting_(std::move(setting)),
      host_namespace_(host_namespace),
      calls_(calls),
      watch_(std::move(watch)),
      host_devices_(std::move(host_devices)) {}

bool ContainerMounts::knows(pid_t tid) const {
  const std::optional<ObjectId> id = mount_namespace(tid);
  if (!id || *id == host_namespace_) return true;
  std::lock_guard lock(mutex_);
  return known_.contains(id->inode);
}

void ContainerMounts::look(pid_t tid) {
  const std::optional<ObjectId> id = mount_namespace(tid);
  const std::shared_ptr<ContainerGuard> guard = guard_.lock();
  if (!id || *id == host_namespace_ || !guard) return;
  {
    // Known before it is looked at: what changes meanwhile is a change.
    std::lock_guard lock(mutex_);
    known_.insert(id->inode);
  }
  const auto self = shared_from_this();
  watch_(self, id->inode, thread_group_of(tid).value_or(tid));
  // A lookup below a mount point may meet a filesystem that the container made, and hang.
  const std::optional<bool> done =
      calls_.run(guard->workload()->container.id, kLookTakes,
                 [self, tid, inode = id->inode] { return self->mark_all(tid, inode); });
  if (!done.value_or(false)) forget(id->inode);
}

void ContainerMounts::forget(ino_t mount_namespace) {
  std::lock_guard lock(mutex_);
  known_.erase(mount_namespace);
}

void ContainerMounts::ended(ino_t mount_namespace) {
  std::lock_guard lock(mutex_);
  known_.erase(mount_namespace);
  if (namespaces_.erase(mount_namespace) > 0) publish();
}

void ContainerMounts::set_host_devices(std::unordered_set<dev_t> devices) {
  std::lock_guard lock(mutex_);
  host_devices_ = std::move(devices);
}

bool ContainerMounts::mark_all(pid_t tid, ino_t mount_namespace) {
  const std::shared_ptr<ContainerGuard> guard = guard_.lock();
  const std::string proc = "/proc/" + std::to_string(tid);
  const Result<std::string> text = read_small_file(proc + "/mountinfo", 64U << 20);
  if (!text || !guard) return false;
  std::vector<MarkPlan> plans;
  {
    std::lock_guard lock(mutex_);
    plans = plan_marks(parse_mountinfo(*text), setting_.overlay_device, host_devices_);
  }
  struct Marked {
    UniqueFd fd;
    MarkPlan plan;
  };
  std::vector<Marked> marks;
  Found found;
  for (MarkPlan& plan : plans) {
    if (plan.kind == MarkPlan::Kind::not_markable) {
      found.unmarked.push_back({plan.mount_point, plan.type, plan.reason});
      continue;
    }
    const std::string view = proc + "/root" + plan.mount_point;
    UniqueFd fd(open(view.c_str(), O_PATH | O_CLOEXEC));
    // A link that the container put into the way, or a mount on top: never mark what was not meant.
    if (!fd.valid() || mount_id_of(fd.get()) != plan.mount_id) continue;
    const std::optional<FileStat> file = stat_of_path(descriptor_path(fd.get()));
    if (!file || !(S_ISDIR(file->stx_mode) || is_regular(*file))) continue;
    const bool own = plan.kind == MarkPlan::Kind::own;
    Place place;
    place.device = device_of(*file);
    place.mount_point = plan.mount_point;
    place.mount_id = plan.mount_id;
    place.content = own ? setting_.own : setting_.volume;
    place.rules = {setting_.elf, !shows_execute_bits(plan.type)};
    if (is_regular(*file)) {
      place.volume = Volume::file;
      if (!own && plan.read_only) place.content = hosts_own();
    } else {
      place.views = {view};
      const bool runtimes_own = own && (plan.mount_point + "/").starts_with("/dev/");
      place.volume = runtimes_own ? Volume::none : Volume::mount;
    }
    found.places.push_back(std::move(place));
    marks.push_back({std::move(fd), std::move(plan)});
  }
  // The guard knows how to judge before the first event comes.
  keep(mount_namespace, std::move(found));
  for (const Marked& mark : marks) {
    const bool own = mark.plan.kind == MarkPlan::Kind::own;
    if (own && mark.plan.mount_point == "/dev") {
      ignore_devices(guard->group(), mark.fd.get(), setting_.mask);
    }
    const Status marked = guard->group().mark(own ? MarkScope::filesystem : MarkScope::mount,
                                              setting_.mask, descriptor_path(mark.fd.get()));
    if (!marked) {
      spdlog::warn("cannot mark {} of {}: {}", mark.plan.mount_point,
                   guard->workload()->container.id, marked.error().message());
    }
  }
  return true;
}

void ContainerMounts::keep(ino_t mount_namespace, Found found) {
  std::lock_guard lock(mutex_);
  if (namespaces_.size() >= kMostNamespaces && !namespaces_.contains(mount_namespace)) {
    const auto changed = std::find_if(namespaces_.begin(), namespaces_.end(),
                                      [&](const auto& of) { return !known_.contains(of.first); });
    const auto given_up = changed == namespaces_.end() ? namespaces_.begin() : changed;
    known_.erase(given_up->first);
    namespaces_.erase(given_up);
  }
  namespaces_[mount_namespace] = std::move(found);
  publish();
}

// With mutex_ held.
void ContainerMounts::publish() {
  const std::shared_ptr<ContainerGuard> guard = guard_.lock();
  if (!guard) return;
  std::vector<Place> all;
  for (const auto& [inode, found] : namespaces_) {
    all.insert(all.end(), found.places.begin(), found.places.end());
  }
  guard->set_places(
      std::make_shared<const Places>(guard->places()->root(), std::move(all), setting_.volume));
}

std::vector<UnmarkedMount> ContainerMounts::unmarked() const {
  std::vector<UnmarkedMount> all;
  std::lock_guard lock(mutex_);
  for (const auto& [inode, found] : namespaces_) {
    for (const UnmarkedMount& mount : found.unmarked) {
      if (std::find(all.begin(), all.end(), mount) == all.end()) all.push_back(mount);
    }
  }
  return all;
}

}  // namespace holdfast
