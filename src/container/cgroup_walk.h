// Finding containers by walking the cgroup hierarchies.
#pragma once

#include <sys/types.h>

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "container/cgroup_path.h"
#include "container/mountinfo.h"
#include "holdfast/result.h"

namespace holdfast {

struct ContainerCgroup {
  std::string container_id;
  std::string directory;    // absolute path of the cgroup's directory in this process's view
  std::vector<pid_t> pids;  // its processes, those of child cgroups that belong to it included
};

// All containers that have a cgroup now, each once, whatever the hierarchies (v1: pids and
// name=systemd; hybrid: the unified one too; v2: that alone). A container with no process left is
// listed with no pids; processes of another pid namespace's own are left out. Thread-safe.
// Error: no cgroup hierarchy is mounted.
Result<std::vector<ContainerCgroup>> find_container_cgroups(const KnownIds* known_ids);

// A mounted hierarchy: the directory that shows its cgroup `root`.
struct CgroupHierarchy {
  enum class Kind { unified, pids, systemd };  // in the order in which they are believed
  Kind kind = Kind::unified;
  std::string root;
  std::string directory;
};

// The hierarchies that tell containers, each by the mount that shows the most of it: in a pod, the
// host's ("/../../..") before the pod's own view. Between equals one in `preferred` wins.
std::vector<CgroupHierarchy> choose_hierarchies(const std::vector<Mount>& mounts,
                                                const std::unordered_set<std::string>& preferred);

// Collects containers over several hierarchies.
class CgroupCollector {
 public:
  explicit CgroupCollector(const KnownIds* known_ids) : known_ids_(known_ids) {}
  void walk(const CgroupHierarchy& hierarchy);
  std::vector<ContainerCgroup> take() { return std::move(found_); }

 private:
  void collect(int cgroup, const std::string& id, const std::string& directory);

  const KnownIds* known_ids_;
  std::vector<ContainerCgroup> found_;
  std::unordered_map<std::string, std::size_t> index_;  // container id -> found_
  std::unordered_set<pid_t> seen_;
};

}  // namespace holdfast
