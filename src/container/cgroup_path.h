// From a process's cgroup path to the container that owns it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

// The innermost container's id named by one cgroup path, for docker, containerd (CRI and ctr),
// CRI-O and podman, under the cgroupfs and the systemd driver; also seen from another cgroup
// namespace ("/../.."). Child cgroups that a container made for itself are the container's.
// No id: the path is a host's service, a slice, a pod's own cgroup (Kubernetes' and podman's),
// conmon's, Kata's overhead, or a build step of a buildkit on the host (it builds an image, so
// there is no shipped image to keep).
std::optional<std::string> container_of_cgroup(std::string_view path);
// The outermost one: which a container cannot choose by the names of its own child cgroups.
std::optional<std::string> outermost_container_of_cgroup(std::string_view path);

// The uid of the pod whose cgroup the outermost container's lies in, as a kubelet names it
// ("/kubepods/burstable/podUID/ID", "kubepods-burstable-podUID.slice", systemd's "_" for "-");
// nothing: it is in no pod, or the container is not there by its 64 digits.
std::optional<std::string> pod_of_cgroup(std::string_view path);

// The same for the text of /proc/PID/cgroup: v1, hybrid and v2. The unified, pids and name=systemd
// lines are asked before others; the memory line is never believed (runc writes it relative to its
// caller's). Bare runc and crun ("/NAME" directly below the root or below the caller's cgroup, any
// name; "runc-NAME.scope" under systemd) cannot be told from other cgroups by the path alone;
// `known_ids` says whether a name is a container that a runtime has a state directory for. It is
// asked only where no line names a container by itself, the outermost name first: a container can
// give its own child cgroups any name.
class KnownIds {
 public:
  virtual ~KnownIds() = default;
  virtual bool contains(std::string_view id) const = 0;
};
std::optional<std::string> container_of_process(std::string_view proc_cgroup,
                                                const KnownIds* known_ids);

}  // namespace holdfast
