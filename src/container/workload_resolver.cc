// Asks each runtime's files in turn.
#include "container/workload_resolver.h"

#include <sys/stat.h>

#include <utility>

#include "container/engine_store.h"
#include "container/host_path.h"
#include "container/oci_store.h"

namespace holdfast {
namespace {

// One component of a path: names come from cgroups and mount points.
bool is_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && text.find('/') == std::string_view::npos &&
         text.find('\0') == std::string_view::npos;
}

// The last component of a path, taken off.
std::string take_last(std::string_view& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  std::string component(path.substr(slash + 1));
  path = path.substr(0, slash);
  return component;
}

}  // namespace

WorkloadResolver::WorkloadResolver(RuntimePaths paths) : paths_(std::move(paths)) {}

// Those that exist, symbolic links resolved as on the host.
std::vector<std::string> WorkloadResolver::reachable(
    const std::vector<std::string>& directories) const {
  std::vector<std::string> found;
  for (const std::string& directory : directories) {
    if (const auto path = resolve_below(paths_.prefix, directory)) {
      found.push_back(paths_.prefix + *path);
    }
  }
  return found;
}

// Engines' mount points tell the id or a layer by their last components, wherever the engine's
// directory is; a bundle's root is compared with what the OCI runtimes wrote.
std::optional<std::string> WorkloadResolver::id_of_mount_point(
    const std::string& mount_point) const {
  std::string_view rest = mount_point;
  const std::string last = take_last(rest);
  const std::string owner = take_last(rest);
  if (is_name(owner) && last == "merged") {
    for (const std::string& storage : reachable(paths_.podman_storage)) {
      if (auto id = storage_container_of_layer(storage, owner)) return id;
    }
    for (const std::string& root : reachable(paths_.docker_root)) {
      if (auto id = docker_container_of_mount_id(root, owner)) return id;
    }
  }
  if (is_name(last) && owner == "overlayfs") {  // docker on containerd's image store
    for (const std::string& root : reachable(paths_.docker_root)) {
      if (docker_container(root, last)) return last;
    }
  }
  if (is_name(owner) && last == "rootfs") {
    for (const std::string& tasks : reachable(paths_.containerd_tasks)) {
      const bool below = (paths_.prefix + mount_point).starts_with(tasks + '/');
      if (below && containerd_task(tasks, owner)) return owner;
    }
  }
  for (const std::string& state : reachable(paths_.oci_state)) {
    for (std::string& id : names_in(state)) {
      const auto container = oci_state(state, id, paths_.prefix);
      if (!container || container->rootfs.empty()) continue;
      if (container->rootfs == mount_point ||
          resolve_below(paths_.prefix, container->rootfs) == mount_point) {
        return std::move(id);
      }
    }
  }
  return std::nullopt;
}

std::optional<WorkloadFacts> WorkloadResolver::by_mount_point(
    const std::string& mount_point) const {
  const auto id = id_of_mount_point(mount_point);
  return id ? by_id(*id) : std::nullopt;
}

std::optional<WorkloadFacts> WorkloadResolver::by_id(const std::string& id) const {
  if (!is_name(id)) return std::nullopt;
  for (const std::string& storage : reachable(paths_.podman_storage)) {
    if (auto facts = storage_container(storage, id)) return facts;
  }
  for (const std::string& root : reachable(paths_.docker_root)) {
    if (auto facts = docker_container(root, id)) return facts;
  }
  for (const std::string& tasks : reachable(paths_.containerd_tasks)) {
    if (auto facts = containerd_task(tasks, id)) return facts;
  }
  for (const std::string& state : reachable(paths_.oci_state)) {
    if (auto container = oci_state(state, id, paths_.prefix)) return std::move(container->facts);
  }
  return std::nullopt;
}

bool WorkloadResolver::contains(std::string_view id) const {
  if (!is_name(id)) return false;
  for (const std::string& state : paths_.oci_state) {
    struct stat st {};
    const std::string directory = paths_.prefix + state + '/' + std::string(id);
    if (::stat(directory.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return true;
  }
  return false;
}

}  // namespace holdfast
