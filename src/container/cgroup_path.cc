// The naming conventions of the container runtimes' cgroups.
#include "container/cgroup_path.h"

#include <algorithm>
#include <array>
#include <vector>

namespace holdfast {
namespace {

constexpr std::size_t kIdDigits = 64;

// Lower-case hexadecimal, as every engine writes its ids.
bool is_container_id(std::string_view text) {
  return text.size() == kIdDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
  return text;
}

// "/a/../b (deleted)" as {"a", "b"}: ".." only says that the reader's cgroup namespace starts
// lower.
std::vector<std::string_view> components_of(std::string_view path) {
  path = without_suffix(path, " (deleted)");
  std::vector<std::string_view> components;
  while (!path.empty()) {
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), component.size() + 1));
    if (!component.empty() && component != "..") components.push_back(component);
  }
  return components;
}

// containerd's identifiers, which name `ctr` containers: alphanumeric parts joined by one of "._-".
bool is_containerd_name(std::string_view text) {
  constexpr std::size_t kLongest = 76;
  if (text.empty() || text.size() > kLongest) return false;
  bool separator = true;
  for (const char c : text) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!alphanumeric && (separator || (c != '.' && c != '_' && c != '-'))) return false;
    separator = !alphanumeric;
  }
  return !separator;
}

// 64 digits alone are a container (cgroupfs driver) unless the parent says that they are a podman
// pod or what Kata runs on the host for a sandbox.
bool parent_names_no_container(std::string_view parent) {
  return parent == "libpod_parent" || parent == "kata_overhead";
}

// ID, PREFIX-ID, PREFIX-ID.scope and, where a systemd name met the cgroupfs driver,
// SLICE:PREFIX:ID.
std::optional<std::string_view> id_in(std::string_view component, std::string_view parent) {
  const std::string_view name = without_suffix(component, ".scope");
  if (name.size() < kIdDigits) return std::nullopt;
  const std::string_view id = name.substr(name.size() - kIdDigits);
  std::string_view before = name.substr(0, name.size() - kIdDigits);
  if (!is_container_id(id)) return std::nullopt;
  if (before.empty()) {
    return parent_names_no_container(parent) ? std::nullopt : std::optional(id);
  }
  if (before.back() != '-' && before.back() != ':') return std::nullopt;
  before.remove_suffix(1);
  return before.ends_with("conmon") ? std::nullopt : std::optional(id);
}

// systemd's own names; a bare container's child cgroups are searched past them.
bool is_unit(std::string_view component) {
  constexpr std::array<std::string_view, 6> kSuffixes = {".slice", ".service", ".scope",
                                                         ".mount", ".socket",  ".swap"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                     [&](std::string_view suffix) { return component.ends_with(suffix); });
}

std::optional<std::string> known_container(std::string_view path, const KnownIds& known_ids) {
  const auto components = components_of(path);
  for (std::size_t i = 0; i < components.size(); ++i) {
    const std::string_view component = components[i];
    for (const std::string_view runtime : {"runc-", "crun-", "youki-"}) {
      if (!component.starts_with(runtime) || !component.ends_with(".scope")) continue;
      const auto id = without_suffix(component.substr(runtime.size()), ".scope");
      if (!id.empty() && known_ids.contains(id)) return std::string(id);
    }
    if (is_unit(component) && i + 1 < components.size()) continue;
    if (known_ids.contains(component)) return std::string(component);
  }
  return std::nullopt;
}

std::optional<std::string> pod_uid(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
  if (text.empty() || text.size() > kLongest || !plain) return std::nullopt;
  return std::string(text);
}

// "kubepods-besteffort-podUID.slice", below another slice's name or not.
std::optional<std::string> pod_of_slice(std::string_view slice) {
  const std::string_view name = without_suffix(slice, ".slice");
  const std::size_t pod = name.rfind("-pod");
  const std::string_view above = name.substr(0, pod);
  if (pod == std::string_view::npos || name.size() == slice.size()) return std::nullopt;
  if (!above.starts_with("kubepods") && above.find("-kubepods") == std::string_view::npos) {
    return std::nullopt;
  }
  std::string uid(name.substr(pod + 4));
  std::replace(uid.begin(), uid.end(), '_', '-');
  return pod_uid(uid);
}

bool lists(std::string_view controllers, std::string_view controller) {
  while (!controllers.empty()) {
    const std::string_view one = controllers.substr(0, controllers.find(','));
    if (one == controller) return true;
    controllers.remove_prefix(std::min(controllers.size(), one.size() + 1));
  }
  return false;
}

// The paths of "ID:CONTROLLERS:PATH" lines, the most trustworthy first.
std::vector<std::string_view> paths_of(std::string_view proc_cgroup) {
  std::array<std::vector<std::string_view>, 4> by_trust;
  while (!proc_cgroup.empty()) {
    const std::string_view line = proc_cgroup.substr(0, proc_cgroup.find('\n'));
    proc_cgroup.remove_prefix(std::min(proc_cgroup.size(), line.size() + 1));
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    if (lists(controllers, "memory")) continue;
    std::size_t trust = 3;
    if (controllers.empty()) {
      trust = 0;
    } else if (lists(controllers, "pids")) {
      trust = 1;
    } else if (controllers == "name=systemd") {
      trust = 2;
    }
    by_trust[trust].push_back(path);
  }
  std::vector<std::string_view> paths;
  for (const auto& lines : by_trust) paths.insert(paths.end(), lines.begin(), lines.end());
  return paths;
}

}  // namespace

std::optional<std::string> container_of_cgroup(std::string_view path) {
  const auto components = components_of(path);
  for (std::size_t i = components.size(); i-- > 0;) {
    const std::string_view parent = i == 0 ? std::string_view() : components[i - 1];
    if (const auto id = id_in(components[i], parent)) return std::string(*id);
  }
  // `ctr run` uses /NAMESPACE/NAME with any name; of the namespaces only ctr's own can be told.
  if (components.size() >= 2 && components[0] == "default" && is_containerd_name(components[1])) {
    return std::string(components[1]);
  }
  return std::nullopt;
}

std::optional<std::string> outermost_container_of_cgroup(std::string_view path) {
  const auto components = components_of(path);
  for (std::size_t i = 0; i < components.size(); ++i) {
    const std::string_view parent = i == 0 ? std::string_view() : components[i - 1];
    if (const auto id = id_in(components[i], parent)) return std::string(*id);
  }
  return std::nullopt;
}

std::optional<std::string> pod_of_cgroup(std::string_view path) {
  const auto components = components_of(path);
  for (std::size_t i = 0; i < components.size(); ++i) {
    const std::string_view parent = i == 0 ? std::string_view() : components[i - 1];
    if (!id_in(components[i], parent)) continue;
    const std::size_t colon = components[i].find(':');
    if (colon != std::string_view::npos) return pod_of_slice(components[i].substr(0, colon));
    if (parent.ends_with(".slice")) return pod_of_slice(parent);
    const auto above = components.begin() + static_cast<std::ptrdiff_t>(i == 0 ? 0 : i - 1);
    if (std::find(components.begin(), above, "kubepods") == above) return std::nullopt;
    return parent.starts_with("pod") ? pod_uid(parent.substr(3)) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> container_of_process(std::string_view proc_cgroup,
                                                const KnownIds* known_ids) {
  const auto paths = paths_of(proc_cgroup);
  for (const std::string_view path : paths) {
    if (auto id = container_of_cgroup(path)) return id;
  }
  if (known_ids == nullptr) return std::nullopt;
  for (const std::string_view path : paths) {
    if (auto id = known_container(path, *known_ids)) return id;
  }
  return std::nullopt;
}

}  // namespace holdfast
