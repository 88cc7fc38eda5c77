// Where the host's files, mounts and limits are, as seen by this process: directly on a node, below
// /proc/1/root inside a DaemonSet with the host's pid namespace.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "container/mountinfo.h"
#include "holdfast/result.h"
#include "kernel/procfs.h"

namespace holdfast {

class HostView {
 public:
  // `host_root`: "auto", "/" or a directory (settings).
  static Result<HostView> find(const std::string& host_root);

  const std::string& prefix() const { return prefix_; }  // "" or "/proc/1/root"
  std::string path(const std::string& host_path) const { return prefix_ + host_path; }
  // Mount points are relative to the host's root.
  std::string mountinfo_path() const { return proc_ + "/mountinfo"; }
  const ObjectId& mounts() const { return mounts_; }  // the host's mount namespace
  const ObjectId& root() const { return host_root_; }
  bool is_host_root(const ObjectId& root) const { return root == host_root_ || root == own_root_; }
  // That of the container this daemon runs in, if it does.
  bool is_own_container(const ObjectId& root) const {
    return root == own_root_ && !(own_root_ == host_root_);
  }
  // The filesystem that the host or this process runs from: never marked.
  bool runs_from(dev_t device) const {
    return device == host_root_.device || device == own_root_.device;
  }

 private:
  std::string prefix_;
  std::string proc_;  // of a process in the host's mount namespace
  ObjectId mounts_;
  ObjectId host_root_;
  ObjectId own_root_;
};

// Raises this process's descriptor limit to its hard limit and the kernel's limits on fanotify
// groups and marks; what cannot be raised is logged, not fatal.
void raise_limits();

// Runtime binaries (runc, crun, youki and configured ones) that exist on the host: paths below the
// prefix.
std::vector<std::string> find_runtime_binaries(const HostView& host,
                                               const std::vector<std::string>& configured);

}  // namespace holdfast
