// Resolves symbolic links component by component. The kernel's own resolution would follow an
// absolute link met below /proc/1/root into this process's root.
#include "container/host_path.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "kernel/file_stat.h"

namespace holdfast {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel: path_resolution(7)

std::string_view take_component(std::string_view& rest) {
  while (rest.starts_with('/')) rest.remove_prefix(1);
  const std::string_view component = rest.substr(0, rest.find('/'));
  rest.remove_prefix(component.size());
  return component;
}

}  // namespace

std::optional<std::string> resolve_below(const std::string& prefix, std::string_view path) {
  if (!path.starts_with('/') || path.find('\0') != std::string_view::npos) return std::nullopt;
  std::string resolved;
  std::string pending(path);
  std::string_view rest = pending;
  int links = 0;
  for (;;) {
    const std::string_view component = take_component(rest);
    if (component.empty()) break;
    if (component == ".") continue;
    if (component == "..") {
      resolved.erase(resolved.empty() ? 0 : resolved.rfind('/'));
      continue;
    }
    const std::string candidate = resolved + '/' + std::string(component);
    const std::string seen = prefix + candidate;
    const std::optional<FileStat> file = stat_of_path(seen, AT_SYMLINK_NOFOLLOW);
    if (!file) return std::nullopt;
    if (!S_ISLNK(file->stx_mode)) {
      resolved = candidate;
      continue;
    }
    std::array<char, PATH_MAX> target;
    const ssize_t length = ::readlink(seen.c_str(), target.data(), target.size());
    if (length <= 0 || static_cast<std::size_t>(length) == target.size() || ++links > kMaxLinks) {
      return std::nullopt;
    }
    if (target[0] == '/') resolved.clear();
    pending = std::string(target.data(), static_cast<std::size_t>(length)) + std::string(rest);
    rest = pending;
  }
  return resolved.empty() ? "/" : resolved;
}

}  // namespace holdfast
