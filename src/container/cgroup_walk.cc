// libcgroup names the mounted hierarchies of v1 controllers; mountinfo adds those it does not list
// (2.0.2: named ones, a unified one without controllers, a second mount that shows more) and says
// which part of a hierarchy a mount shows. The walk opens directories only: libcgroup's visits
// every control file (40 us a cgroup, against 5).
#include "container/cgroup_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <libcgroup.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <tuple>

#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

std::string read_all(int fd) {
  std::string text;
  std::array<char, 16384> chunk;
  ssize_t count = 0;
  while ((count = ::read(fd, chunk.data(), chunk.size())) > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return text;
}

// The mount points libcgroup knows. It keeps one table for the whole process, rebuilt by
// cgroup_init and walked by its iterators: one thread at a time, and again on every call, since
// hierarchies can be mounted later.
std::unordered_set<std::string> libcgroup_mount_points() {
  static std::mutex library;
  const std::scoped_lock lock(library);
  std::unordered_set<std::string> paths;
  if (cgroup_init() != 0) return paths;  // nothing that it knows is mounted
  void* handle = nullptr;
  cgroup_mount_point controller{};
  for (int error = cgroup_get_controller_begin(&handle, &controller); error == 0;
       error = cgroup_get_controller_next(&handle, &controller)) {
    paths.emplace(controller.path);
  }
  cgroup_get_controller_end(&handle);
  return paths;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::string_view option = options.substr(0, options.find(','));
    if (option == wanted) return true;
    options.remove_prefix(std::min(options.size(), option.size() + 1));
  }
  return false;
}

std::optional<CgroupHierarchy::Kind> kind_of(const Mount& mount) {
  if (mount.type == "cgroup2") return CgroupHierarchy::Kind::unified;
  if (mount.type != "cgroup") return std::nullopt;
  if (has_option(mount.super_options, "pids")) return CgroupHierarchy::Kind::pids;
  if (has_option(mount.super_options, "name=systemd")) return CgroupHierarchy::Kind::systemd;
  return std::nullopt;
}

// The line of /proc/PID/cgroup that a cgroup of this hierarchy would have.
std::string line_prefix(CgroupHierarchy::Kind kind) {
  switch (kind) {
    case CgroupHierarchy::Kind::unified:
      return "0::";
    case CgroupHierarchy::Kind::pids:
      return "1:pids:";
    case CgroupHierarchy::Kind::systemd:
      return "1:name=systemd:";
  }
  return "";
}

// Greater is higher in the hierarchy: first by steps above the reader's cgroup namespace, then by
// fewer steps below it.
std::pair<int, int> height_of(std::string_view root) {
  int up = 0;
  int down = 0;
  while (!root.empty()) {
    const std::string_view component = root.substr(0, root.find('/'));
    root.remove_prefix(std::min(root.size(), component.size() + 1));
    if (component == "..") {
      ++up;
    } else if (!component.empty()) {
      ++down;
    }
  }
  return {up, -down};
}

// Another mount may lie over this one.
bool is_visible(const Mount& mount) {
  struct stat st {};
  return ::stat(mount.mount_point.c_str(), &st) == 0 && st.st_dev == mount.device;
}

void append_children(UniqueFd directory, const std::string& path,
                     std::vector<std::string>& children) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(directory.get()), ::closedir);
  if (!entries) return;
  directory.release();
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    children.push_back(path + '/' + entry->d_name);
  }
}

// One name is asked about once in a walk, however many hierarchies show it.
class RememberedIds : public KnownIds {
 public:
  explicit RememberedIds(const KnownIds& ids) : ids_(ids) {}
  bool contains(std::string_view id) const override {
    const auto [entry, added] = answers_.try_emplace(std::string(id), false);
    if (added) entry->second = ids_.contains(id);
    return entry->second;
  }

 private:
  const KnownIds& ids_;
  mutable std::unordered_map<std::string, bool> answers_;
};

}  // namespace

std::vector<CgroupHierarchy> choose_hierarchies(const std::vector<Mount>& mounts,
                                                const std::unordered_set<std::string>& preferred) {
  using Rank = std::tuple<std::pair<int, int>, bool>;
  std::map<CgroupHierarchy::Kind, std::pair<Rank, CgroupHierarchy>> best;
  for (const Mount& mount : mounts) {
    const auto kind = kind_of(mount);
    if (!kind) continue;
    const Rank rank{height_of(mount.root), preferred.contains(mount.mount_point)};
    const auto known = best.find(*kind);
    if (known != best.end() && known->second.first >= rank) continue;
    best[*kind] = {rank, CgroupHierarchy{*kind, mount.root, mount.mount_point}};
  }
  std::vector<CgroupHierarchy> hierarchies;
  hierarchies.reserve(best.size());
  for (auto& [kind, choice] : best) hierarchies.push_back(std::move(choice.second));
  return hierarchies;
}

// A container's own cgroup comes before its child cgroups. No descriptor is held on the way down:
// a container with delegated cgroups chooses the depth.
void CgroupCollector::walk(const CgroupHierarchy& hierarchy) {
  const std::string line =
      line_prefix(hierarchy.kind) + (hierarchy.root == "/" ? "" : hierarchy.root);
  std::vector<std::string> pending = {""};  // paths below the mount
  while (!pending.empty()) {
    const std::string path = std::move(pending.back());
    pending.pop_back();
    const std::string directory = hierarchy.directory + path;
    UniqueFd cgroup(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat st {};
    if (!cgroup.valid() || ::fstat(cgroup.get(), &st) != 0) continue;  // removed meanwhile
    if (const auto id = container_of_process(line + path, known_ids_)) {
      collect(cgroup.get(), *id, directory);
    }
    // kernfs counts child directories as links: 2 means a leaf.
    if (st.st_nlink != 2) append_children(std::move(cgroup), path, pending);
  }
}

void CgroupCollector::collect(int cgroup, const std::string& id, const std::string& directory) {
  const auto [entry, added] = index_.try_emplace(id, found_.size());
  if (added) found_.push_back(ContainerCgroup{id, directory, {}});
  const UniqueFd file(::openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return;
  const std::string text = read_all(file.get());
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, error] = std::from_chars(at, end, pid);
    // 0 stands for a process that this pid namespace does not have.
    if (error == std::errc() && pid > 0 && seen_.insert(pid).second) {
      found_[entry->second].pids.push_back(pid);
    }
    at = std::find(next, end, '\n') + 1;
  }
}

Result<std::vector<ContainerCgroup>> find_container_cgroups(const KnownIds* known_ids) {
  const UniqueFd file(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return errno_error("open /proc/self/mountinfo");
  std::vector<Mount> mounts = parse_mountinfo(read_all(file.get()));
  std::erase_if(mounts, [](const Mount& mount) { return !kind_of(mount) || !is_visible(mount); });
  const auto hierarchies = choose_hierarchies(mounts, libcgroup_mount_points());
  if (hierarchies.empty()) {
    return Error{0, "find containers: no pids, name=systemd or unified cgroup hierarchy is mounted",
                 "mount the host's /sys/fs/cgroup"};
  }
  std::optional<RememberedIds> remembered;
  if (known_ids != nullptr) remembered.emplace(*known_ids);
  CgroupCollector collector(remembered ? &*remembered : nullptr);
  for (const CgroupHierarchy& hierarchy : hierarchies) collector.walk(hierarchy);
  return collector.take();
}

}  // namespace holdfast
