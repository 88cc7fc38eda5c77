#include "container/process_origin.h"

#include <charconv>

namespace holdfast {
namespace {

std::string proc(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

std::optional<pid_t> parent_of(pid_t tid) {
  const Result<std::string> text = read_small_file(proc(tid, "status"), 4096);
  if (!text) return std::nullopt;
  const std::size_t at = text->find("\nPPid:\t");
  if (at == std::string::npos) return std::nullopt;
  pid_t parent = 0;
  const char* begin = text->data() + at + 7;
  if (std::from_chars(begin, text->data() + text->size(), parent).ec != std::errc())
    return std::nullopt;
  return parent;
}

}  // namespace

bool acts_for_host(const ProcessView& view, Intent intent) {
  if (!view.in_container_cgroup && view.host_mounts) return true;
  if (intent == Intent::run) return false;
  return view.host_root || (!view.in_container_cgroup && view.forked_of_host);
}

std::optional<ProcessView> ProcfsProcessOrigin::view(pid_t tid) const {
  const Result<std::string> cgroup = read_small_file(proc(tid, "cgroup"));
  const std::optional<ObjectId> mounts = object_id(proc(tid, "ns/mnt"));
  if (!cgroup || !mounts) return std::nullopt;
  ProcessView view;
  view.in_container_cgroup = container_of_process(*cgroup, &known_ids_).has_value();
  view.host_mounts = mounts == host_mounts_;
  view.host_root = object_id(proc(tid, "root")) == host_root_;
  return view;
}

bool ProcfsProcessOrigin::may_be_in_container(pid_t pid) const {
  const Result<std::string> cgroup = read_small_file(proc(pid, "cgroup"));
  if (cgroup && container_of_process(*cgroup, &known_ids_)) return true;
  const std::optional<ObjectId> mounts = object_id(proc(pid, "ns/mnt"));
  return mounts && *mounts != host_mounts_;
}

bool ProcfsProcessOrigin::is_host(pid_t tid, Intent intent) const {
  std::optional<ProcessView> process = view(tid);
  if (!process) return false;
  if (acts_for_host(*process, intent)) return true;
  if (intent == Intent::run || process->in_container_cgroup) return false;
  const std::optional<pid_t> parent = parent_of(tid);
  if (!parent) return false;
  const std::optional<ProcessView> parent_view = view(*parent);
  const std::optional<ObjectId> executable = object_id(proc(tid, "exe"));
  process->forked_of_host = parent_view && acts_for_host(*parent_view, Intent::run) && executable &&
                            executable == object_id(proc(*parent, "exe"));
  return acts_for_host(*process, intent);
}

}  // namespace holdfast
