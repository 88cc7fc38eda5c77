#include "container/running_program.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>

#include "alert/proc_text.h"
#include "kernel/memory_file.h"
#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

constexpr std::size_t kMostMountBytes = 64U << 20;

std::string proc(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

bool is_memory_file(const FileStat& file, std::string_view link) {
  const std::vector<dev_t>& devices = memory_file_devices();
  return link.starts_with("/memfd:") &&
         std::find(devices.begin(), devices.end(), device_of(file)) != devices.end();
}

std::vector<Mount> mounts_in(const std::string& path) {
  const Result<std::string> text = read_small_file(path, kMostMountBytes);
  return text ? parse_mountinfo(*text) : std::vector<Mount>();
}

const Mount* find_mount(const std::vector<Mount>& mounts, int id) {
  const auto found = std::find_if(mounts.begin(), mounts.end(),
                                  [&](const Mount& mount) { return mount.id == id; });
  return found == mounts.end() ? nullptr : &*found;
}

pid_t parent_of(pid_t pid) {
  const Result<std::string> text = read_small_file(proc(pid, "stat"), 4096);
  const std::optional<ProcStat> stat = text ? parse_proc_stat(*text) : std::nullopt;
  return stat ? stat->parent : 0;
}

// One that is gone has nothing to show.
bool is_owned(pid_t pid, const KnownIds& known_ids) {
  const Result<std::string> cgroup = read_small_file(proc(pid, "cgroup"));
  return !cgroup || container_of_process(*cgroup, &known_ids);
}

}  // namespace

std::optional<RunningProgram> file_at(int fd) {
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  const std::optional<FileStat> file = stat_of_path(self);
  Result<std::string> link = read_link(self);
  if (!file || !link) return std::nullopt;
  RunningProgram program;
  program.file = *file;
  program.mount_id = mount_id_of(fd);
  program.memory = is_memory_file(*file, *link);
  const bool unlinked = file->stx_nlink == 0 && !program.memory;
  program.path = unlinked ? std::string(without_deleted_mark(*link)) : *link;
  return program;
}

std::optional<RunningProgram> file_behind(const std::string& link) {
  const UniqueFd fd(open(link.c_str(), O_PATH | O_CLOEXEC));
  return fd.valid() ? file_at(fd.get()) : std::nullopt;
}

std::optional<RunningProgram> running_program(pid_t pid) { return file_behind(proc(pid, "exe")); }

ProgramPlace place_on(const Mount& mount, dev_t root_device,
                      const std::unordered_set<dev_t>& host_devices) {
  if (mount.device == root_device) return ProgramPlace::root;
  return host_devices.contains(mount.device) ? ProgramPlace::volume : ProgramPlace::own_filesystem;
}

FoundPlace find_place(pid_t pid, const RunningProgram& program, dev_t root_device,
                      const std::string& host_mountinfo, const KnownIds& known_ids) {
  if (program.memory) return {ProgramPlace::memory};
  std::vector<Mount> mounts = mounts_in(proc(pid, "mountinfo"));
  const Mount* mount = find_mount(mounts, program.mount_id);
  if (mount != nullptr && mount->device == root_device) return {ProgramPlace::root};
  const std::vector<Mount> host = mounts_in(host_mountinfo);
  if (find_mount(host, program.mount_id) != nullptr) return {ProgramPlace::host};
  for (int i = 0; mount == nullptr && i < kMostAncestors; ++i) {
    if (!is_owned(pid, known_ids)) break;
    pid = parent_of(pid);
    if (pid <= 1) break;
    mounts = mounts_in(proc(pid, "mountinfo"));
    mount = find_mount(mounts, program.mount_id);
  }
  if (mount == nullptr) {
    return {device_of(program.file) == root_device ? ProgramPlace::root : ProgramPlace::unmounted};
  }
  if (!is_owned(pid, known_ids)) return {ProgramPlace::host};
  std::unordered_set<dev_t> host_devices;
  for (const Mount& shown : host) host_devices.insert(shown.device);
  return {place_on(*mount, root_device, host_devices), mount->mount_point == program.path};
}

pid_t host_ancestor(pid_t pid, const KnownIds& known_ids, int generations) {
  for (int i = 0; i < generations && pid > 1; ++i) {
    pid = parent_of(pid);
    if (pid > 1 && !is_owned(pid, known_ids)) return pid;
  }
  return 0;
}

}  // namespace holdfast
