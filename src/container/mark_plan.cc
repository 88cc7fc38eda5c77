#include "container/mark_plan.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace holdfast {
namespace {

// They hold nothing that a container could have put there to be run. devtmpfs has device nodes:
// before 6.14 an event would open the device.
constexpr std::array<std::string_view, 19> kNoFiles{
    "proc",    "sysfs",   "cgroup", "cgroup2",    "devpts",   "mqueue",  "securityfs",
    "debugfs", "tracefs", "bpf",    "pstore",     "configfs", "fusectl", "efivarfs",
    "nsfs",    "autofs",  "sockfs", "rpc_pipefs", "selinuxfs"};

bool holds_no_files(const std::string& type) {
  return std::find(kNoFiles.begin(), kNoFiles.end(), type) != kNoFiles.end();
}

bool has_option(const std::string& options, std::string_view wanted) {
  const std::string padded = "," + options + ",";
  return padded.find("," + std::string(wanted) + ",") != std::string::npos;
}

}  // namespace

bool never_marked(const std::string& type) {
  return type.starts_with("fuse") || type.starts_with("nfs") || type == "cifs" || type == "smb3" ||
         type == "9p" || type == "ceph" || type == "virtiofs" || type == "afs" ||
         type == "lustre" || type == "ocfs2" || type == "gfs2";
}

bool shows_execute_bits(const std::string& type) {
  return type == "vfat" || type == "msdos" || type == "exfat" || type == "ntfs" || type == "ntfs3";
}

namespace {

bool is_writable(const Mount& mount) { return !has_option(mount.options, "ro"); }

// Does a writable mount show the file system from there, or from above it?
bool shows(const Mount& writable, const Mount& mount) {
  if (writable.device != mount.device || !is_writable(writable)) return false;
  return writable.root == "/" || writable.root == mount.root ||
         mount.root.starts_with(writable.root + "/");
}

}  // namespace

std::vector<MarkPlan> plan_marks(const std::vector<Mount>& mounts, dev_t root_device,
                                 const std::unordered_set<dev_t>& host_devices) {
  std::vector<MarkPlan> plans;
  // Below a mount that may not answer nothing is looked up.
  std::vector<std::string> silent;
  for (const Mount& mount : mounts) {
    if (never_marked(mount.type)) silent.push_back(mount.mount_point + "/");
  }
  for (const Mount& mount : mounts) {
    if (mount.mount_point == "/" || holds_no_files(mount.type)) continue;
    if (root_device != 0 && mount.device == root_device) continue;
    MarkPlan plan;
    plan.mount_id = mount.id;
    plan.device = mount.device;
    plan.mount_point = mount.mount_point;
    plan.type = mount.type;
    plan.kind = host_devices.contains(mount.device) ? MarkPlan::Kind::shared : MarkPlan::Kind::own;
    plan.read_only = !is_writable(mount) &&
                     std::none_of(mounts.begin(), mounts.end(),
                                  [&](const Mount& other) { return shows(other, mount); });
    const auto refuse = [&](std::string reason) {
      plan.kind = MarkPlan::Kind::not_markable;
      plan.reason = std::move(reason);
    };
    if (never_marked(mount.type)) {
      refuse("a mark on " + mount.type + " could hang");
    } else if (mount.type == "devtmpfs") {
      refuse("device nodes: an event could open the device");
    } else if (mount.type == "overlay" && plan.kind == MarkPlan::Kind::own) {
      refuse("an overlay that was mounted in the container");
    } else if (std::any_of(silent.begin(), silent.end(), [&](const std::string& above) {
                 return mount.mount_point.starts_with(above);
               })) {
      refuse("it lies below a mount that may not answer");
    } else if (plan.kind == MarkPlan::Kind::own && has_option(mount.super_options, "ro")) {
      continue;  // runtimes mask directories of /proc and /sys with such
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace holdfast
