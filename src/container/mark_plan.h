// Which of a container's mounts are marked, and how (docs/architecture.md, "Where marks go").
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "container/mountinfo.h"

namespace holdfast {

// Never marked: the kernel opens an event's file inside our read(), and a server that does not
// answer would keep it there.
bool never_marked(const std::string& filesystem_type);

struct MarkPlan {
  enum class Kind : std::uint8_t {
    own,          // a superblock of the container's own, empty at its birth: marked as a filesystem
    shared,       // a filesystem of the host's: this mount alone is marked
    not_markable  // for `reason`
  };
  Kind kind = Kind::shared;
  int mount_id = 0;
  dev_t device = 0;
  std::string mount_point;  // in the container
  std::string type;         // "tmpfs"
  // Mounted read-only, and not below what the container may write: if it is a single file (an init
  // that the runtime brings along), it is the host's, and changes when the host is upgraded.
  bool read_only = false;
  std::string reason;
};

// Every mount of a container but those that show its root filesystem and those that hold no files
// to run (proc, sysfs, …). `mounts`: of a process of the container. `root_device`: of an overlay
// root, which is marked as a whole; 0 if the root is no overlay. `host_devices`: superblocks among
// the host's mounts.
std::vector<MarkPlan> plan_marks(const std::vector<Mount>& mounts, dev_t root_device,
                                 const std::unordered_set<dev_t>& host_devices);

// Whether every file there shows execute bits, whatever it is.
bool shows_execute_bits(const std::string& filesystem_type);

}  // namespace holdfast
