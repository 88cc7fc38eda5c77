// Does a process act for the container or for the host (runtime, shim, kubelet, `docker cp`)?
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "container/cgroup_path.h"
#include "kernel/procfs.h"

namespace holdfast {

enum class Intent : std::uint8_t { write, run };

// What /proc said about one process.
struct ProcessView {
  bool in_container_cgroup = false;
  bool host_mounts = false;     // its mount namespace is the host's
  bool host_root = false;       // its root directory is the host's: not yet pivoted
  bool forked_of_host = false;  // same executable as its parent, which is a host process
};

// Pure. Runs are forgiven to true host processes only; a write is also forgiven to a runtime that
// is still setting the container up and to a host tool's chrooted helper (dockerd's untar): what
// they leave behind meets the exec gate.
bool acts_for_host(const ProcessView& view, Intent intent);

class ProcessOrigin {
 public:
  virtual ~ProcessOrigin() = default;
  // False when the process is gone: an event of a container's group belongs to the container.
  virtual bool is_host(pid_t tid, Intent intent) const = 0;
  // True also for a process of another container, or of the host's in a namespace of its own.
  virtual bool may_be_in_container(pid_t pid) const = 0;
};

class ProcfsProcessOrigin : public ProcessOrigin {
 public:
  // `host_mounts`, `host_root`: the host's mount namespace and root directory.
  ProcfsProcessOrigin(const KnownIds& known_ids, ObjectId host_mounts, ObjectId host_root)
      : known_ids_(known_ids), host_mounts_(host_mounts), host_root_(host_root) {}
  bool is_host(pid_t tid, Intent intent) const override;
  bool may_be_in_container(pid_t pid) const override;

 private:
  std::optional<ProcessView> view(pid_t tid) const;

  const KnownIds& known_ids_;
  ObjectId host_mounts_;
  ObjectId host_root_;
};

}  // namespace holdfast
