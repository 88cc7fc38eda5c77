#include "sensor/kernel_event_facts.h"

#include <linux/magic.h>
#include <sys/vfs.h>

namespace holdfast {

std::string container_path(std::string raw, bool unlinked, const std::string& mount_point,
                           bool container_rooted) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (unlinked && raw.ends_with(kDeleted)) raw.resize(raw.size() - kDeleted.size());
  // A container can make a directory of the same name: only a host-rooted opener's path is cut.
  if (!container_rooted && !mount_point.empty() && raw.starts_with(mount_point) &&
      raw.size() > mount_point.size() && raw[mount_point.size()] == '/') {
    raw.erase(0, mount_point.size());
  }
  return raw;
}

bool KernelEventFacts::on_overlay() {
  struct statfs filesystem {};
  return fstatfs(fd_, &filesystem) == 0 && filesystem.f_type == OVERLAYFS_SUPER_MAGIC;
}

std::optional<FileStat> KernelEventFacts::file() {
  if (!file_) file_ = stat_of(fd_);
  return file_;
}

std::optional<std::string> KernelEventFacts::path() {
  if (path_) return path_;
  Result<std::string> raw = path_of_descriptor(fd_);
  if (!raw) return std::nullopt;
  bool container_rooted = true;
  if (!root_.mount_point.empty() && raw->starts_with(root_.mount_point)) {
    const auto opener = object_id("/proc/" + std::to_string(tid_) + "/root");
    container_rooted = !opener || opener->device == root_.device;
  }
  const bool unlinked = file() && file()->stx_nlink == 0;
  path_ = container_path(std::move(*raw), unlinked, root_.mount_point, container_rooted);
  if (places_ != nullptr) path_ = places_->whole_path(std::move(*path_), mount_id_of(fd_));
  return path_;
}

}  // namespace holdfast
