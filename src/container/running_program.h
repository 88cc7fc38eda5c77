// What a process runs and where that lies, asked of /proc without opening the file: an open could
// wait for a FUSE server, or for the answer to a permission event.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "container/cgroup_path.h"
#include "container/mountinfo.h"
#include "kernel/file_stat.h"
#include "kernel/procfs.h"

namespace holdfast {

struct RunningProgram {
  FileStat file{};
  int mount_id = -1;    // not used again while the process runs: it holds the mount
  std::string path;     // as /proc/PID/exe says, without the mark of an unlinked file; of a memory
                        // file with it: "/memfd:NAME (deleted)"
  bool memory = false;  // memfd_create(2)
};
// Nothing: the process is gone, or it is a kernel thread.
std::optional<RunningProgram> running_program(pid_t pid);
// The same of the file that a link of /proc leads to.
std::optional<RunningProgram> file_behind(const std::string& link);
// The same of a file that is open as O_PATH.
std::optional<RunningProgram> file_at(int fd);

// Where a program lies, seen from its container.
enum class ProgramPlace : std::uint8_t {
  host,            // on a mount of the host's or of its runtime's, which the container has not
  root,            // on the container's root filesystem
  volume,          // on another filesystem that the host has mounted too
  own_filesystem,  // on one that the container alone has: a tmpfs, or what it mounted itself
  memory,          // a memory file
  unmounted        // on a mount that nobody shows: detached, or never attached
};

// Pure. `mount`: the program's, among those of a process of the container.
ProgramPlace place_on(const Mount& mount, dev_t root_device,
                      const std::unordered_set<dev_t>& host_devices);

struct FoundPlace {
  ProgramPlace place = ProgramPlace::unmounted;
  bool file_mount = false;  // the mount shows just this file
};

// Looks for the program's mount among those of the process, of the host, and of the process's
// ancestors up to the first that no container owns: a runtime that is about to enter the container,
// or a process that left its mount namespace, runs from another's mounts.
FoundPlace find_place(pid_t pid, const RunningProgram& program, dev_t root_device,
                      const std::string& host_mountinfo, const KnownIds& known_ids);

// The nearest ancestor that no container owns, at most so many generations away; 0: none.
inline constexpr int kMostAncestors = 16;
pid_t host_ancestor(pid_t pid, const KnownIds& known_ids, int generations = kMostAncestors);

}  // namespace holdfast
