#include "container/overlay_maker.h"

#include <algorithm>

#include "alert/proc_text.h"
#include "kernel/procfs.h"

namespace holdfast {
namespace {

constexpr int kMostAncestors = 16;

std::string proc(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

pid_t parent_of(pid_t pid) {
  const Result<std::string> text = read_small_file(proc(pid, "stat"));
  const std::optional<ProcStat> stat = text ? parse_proc_stat(*text) : std::nullopt;
  return stat ? stat->parent : 0;
}

bool is_owned(pid_t pid, const KnownIds& known_ids) {
  const Result<std::string> cgroup = read_small_file(proc(pid, "cgroup"));
  return !cgroup || container_of_process(*cgroup, &known_ids);
}

bool has_mount(pid_t pid, const Mount& overlay) {
  const Result<std::string> text = read_small_file(proc(pid, "mountinfo"), 64U << 20);
  if (!text) return false;
  const std::vector<Mount> mounts = parse_mountinfo(*text);
  return std::any_of(mounts.begin(), mounts.end(), [&](const Mount& mount) {
    return mount.device == overlay.device && mount.super_options == overlay.super_options;
  });
}

}  // namespace

std::string why_layers_are_unknown(const Mount& overlay, const OverlayLayers& layers,
                                   const std::string& host_prefix, pid_t pid,
                                   const KnownIds& known_ids) {
  pid_t maker = parent_of(pid);
  for (int i = 0; maker > 1 && (is_owned(maker, known_ids) || !has_mount(maker, overlay)); ++i) {
    maker = i < kMostAncestors ? parent_of(maker) : 0;
  }
  if (maker <= 1) return "its root is an overlay that was mounted inside a container";
  std::vector<std::string> all = layers.lower;
  all.insert(all.end(), layers.data_only.begin(), layers.data_only.end());
  if (!layers.upper.empty()) all.push_back(layers.upper);
  for (const std::string& layer : all) {
    const auto on_host = object_id(layer);
    const auto there = object_id(proc(maker, "root") + layer.substr(host_prefix.size()));
    if (!on_host || !there || !(*on_host == *there)) {
      return "its layer " + layer + " is another directory where the overlay was mounted";
    }
  }
  return "";
}

}  // namespace holdfast
