// Who a container is, from what runtimes keep on disk: podman's storage, docker's
// config.v2.json, containerd's and CRI-O's bundles and annotations, runc's and crun's state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "container/cgroup_path.h"
#include "container/workload_facts.h"

namespace holdfast {

// Directories that are looked at; every one below `prefix` ("" or "/proc/1/root").
struct RuntimePaths {
  std::string prefix;
  std::vector<std::string> podman_storage = {"/var/lib/containers/storage",
                                             "/run/containers/storage"};  // CRI-O's too
  std::vector<std::string> docker_root = {"/var/lib/docker"};
  std::vector<std::string> containerd_tasks = {
      "/run/containerd/io.containerd.runtime.v2.task",
      "/run/docker/containerd/daemon/io.containerd.runtime.v2.task",
      "/run/k3s/containerd/io.containerd.runtime.v2.task"};
  std::vector<std::string> oci_state = {"/run/runc",
                                        "/run/crun",
                                        "/run/youki",
                                        "/run/docker/runtime-runc/moby",
                                        "/run/containerd/runc/k8s.io",
                                        "/run/containerd/runc/default"};
};

// Reads files on every call; cheap enough for one call a container, never for one an event.
// Thread-safe: it keeps no state.
class WorkloadResolver : public KnownIds {
 public:
  explicit WorkloadResolver(RuntimePaths paths);
  // The container whose root overlay is mounted there (host path), if a runtime's files say so.
  std::optional<WorkloadFacts> by_mount_point(const std::string& mount_point) const;
  // By the id that its cgroup path names; nullopt when no runtime knows it.
  std::optional<WorkloadFacts> by_id(const std::string& id) const;
  // A runc, crun or youki state directory of that name exists.
  bool contains(std::string_view id) const override;

 private:
  std::optional<std::string> id_of_mount_point(const std::string& mount_point) const;
  std::vector<std::string> reachable(const std::vector<std::string>& directories) const;

  RuntimePaths paths_;
};

}  // namespace holdfast
