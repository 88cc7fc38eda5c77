#include "daemon/host_view.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace holdfast {
namespace {

constexpr long kMostGroups = 65536;
constexpr long kMostMarks = 1048576;

void raise_kernel_limit(const std::string& name, long wanted) {
  const std::string path = "/proc/sys/fs/fanotify/" + name;
  long current = 0;
  std::ifstream(path) >> current;  // absent before 5.13, which has fixed limits
  if (current == 0 || current >= wanted) return;
  std::ofstream out(path);
  out << wanted << std::flush;
  if (!out) spdlog::warn("{} stays at {}: containers beyond it cannot be covered", path, current);
}

// Mount ids are unique over all namespaces. Asked this way because some sandboxes forbid looking at
// the namespaces of process 1 even to root.
bool shares_mounts_with_init() {
  const auto root_mount = [](const char* path) {
    const Result<std::string> text = read_small_file(path, 64U << 20);
    if (!text) return -1;
    for (const Mount& mount : parse_mountinfo(*text)) {
      if (mount.mount_point == "/") return mount.id;
    }
    return -1;
  };
  return root_mount("/proc/self/mountinfo") == root_mount("/proc/1/mountinfo");
}

// A process that lives in the host's mount namespace. Where looking at process 1 is forbidden, the
// kernel's own kthreadd, which is process 2 of the host's pid namespace, shows the same.
std::string host_process() {
  if (object_id("/proc/1/ns/mnt")) return "/proc/1";
  const Result<std::string> name = read_small_file("/proc/2/comm", 64);
  return name && *name == "kthreadd\n" ? "/proc/2" : "/proc/1";
}

}  // namespace

Result<HostView> HostView::find(const std::string& host_root) {
  const bool on_host = host_root == "auto" ? shares_mounts_with_init() : host_root == "/";
  HostView view;
  view.proc_ = on_host ? "/proc/self" : host_process();
  view.prefix_ = on_host ? "" : host_root == "auto" ? view.proc_ + "/root" : host_root;
  const auto mounts = object_id(view.proc_ + "/ns/mnt");
  if (!mounts) {
    return errno_error("look at " + view.proc_ + "/ns/mnt",
                       "run as root with CAP_SYS_PTRACE and the host's pid namespace");
  }
  const auto host = object_id(view.prefix_ + "/");
  const auto own = object_id("/");
  if (!host || !own) return errno_error("look at the host's root " + view.prefix_ + "/");
  view.mounts_ = *mounts;
  view.host_root_ = *host;
  view.own_root_ = *own;
  return view;
}

void raise_limits() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) spdlog::warn("RLIMIT_NOFILE cannot be raised");
  }
  raise_kernel_limit("max_user_groups", kMostGroups);
  raise_kernel_limit("max_user_marks", kMostMarks);
}

std::vector<std::string> find_runtime_binaries(const HostView& host,
                                               const std::vector<std::string>& configured) {
  std::vector<std::string> found;
  auto add_if_present = [&](const std::string& path) {
    if (access(path.c_str(), X_OK) == 0) found.push_back(path);
  };
  for (const char* directory : {"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin",
                                "/usr/libexec/crio", "/opt/bin", "/opt/containerd/bin",
                                "/var/lib/rancher/k3s/data/current/bin", "/run/torcx/bin"}) {
    for (const char* name : {"runc", "crun", "youki", "docker-runc"}) {
      add_if_present(host.path(std::string(directory) + "/" + name));
    }
  }
  for (const std::string& path : configured) add_if_present(host.path(path));
  return found;
}

}  // namespace holdfast
