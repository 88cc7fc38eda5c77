// Path lookups in single layers, and the overlay's rules for merging them
// (Documentation/filesystems/overlayfs.rst).
#include "container/lower_file.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace holdfast {
namespace {

constexpr unsigned int kWanted = STATX_BASIC_STATS | STATX_BTIME;

std::optional<struct statx> stat_of(const UniqueFd& file) {
  struct statx stx {};
  if (::statx(file.get(), "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, kWanted, &stx) != 0) {
    return std::nullopt;
  }
  return stx;
}

// An O_PATH descriptor has no fgetxattr; its link in /proc leads to the very same inode.
std::string descriptor_path(const UniqueFd& file) {
  return "/proc/self/fd/" + std::to_string(file.get());
}

std::optional<std::string> overlay_mark(const UniqueFd& file, const std::string& name, bool user) {
  std::array<char, 16> value;
  const std::string attribute = (user ? "user.overlay." : "trusted.overlay.") + name;
  const ssize_t length =
      ::getxattr(descriptor_path(file).c_str(), attribute.c_str(), value.data(), value.size());
  if (length < 0) return std::nullopt;
  return std::string(value.data(), static_cast<std::size_t>(length));
}

// "/usr/bin/x" as "usr/bin/x"; nullopt for anything but an absolute canonical path of a file.
std::optional<std::string> relative_of(std::string_view path) {
  if (path.size() < 2 || path.front() != '/' || path.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  path.remove_prefix(1);
  std::string_view rest = path;
  for (;;) {
    const std::string_view component = rest.substr(0, rest.find('/'));
    if (component.empty() || component == "." || component == "..") return std::nullopt;
    if (component.size() == rest.size()) return std::string(path);
    rest.remove_prefix(component.size() + 1);
  }
}

}  // namespace

Result<LowerLayers> LowerLayers::open(const OverlayLayers& layers, BeneathLookup lookup) {
  LowerLayers opened;
  opened.lookup_ = lookup;
  opened.user_xattr_ = layers.user_xattr;
  for (const std::string& directory : layers.lower) {
    const UniqueFd root(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid()) return errno_error("open layer " + directory);
    const auto stx = stat_of(root);
    if (!stx) return errno_error("statx layer " + directory);
    opened.root_stats_.push_back(*stx);
    opened.roots_.push_back(directory);
  }
  if (opened.roots_.empty()) return Error{EINVAL, "open layers: the overlay has none", ""};
  return opened;
}

UniqueFd LowerLayers::look_up(int layer, const std::string& relative) const {
  const std::string& directory = roots_[static_cast<std::size_t>(layer)];
  const UniqueFd root(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return {};
  return open_beneath(root.get(), relative, O_PATH, lookup_);
}

std::optional<LowerFile> LowerLayers::same_birth(std::string_view path,
                                                 const struct statx_timestamp& btime) const {
  const auto relative = relative_of(path);
  if (!relative) return std::nullopt;
  for (int layer = 0; layer < static_cast<int>(roots_.size()); ++layer) {
    const UniqueFd file = look_up(layer, *relative);
    if (!file.valid()) continue;
    const auto stx = stat_of(file);
    if (stx && S_ISREG(stx->stx_mode) && (stx->stx_mask & STATX_BTIME) != 0 &&
        stx->stx_btime.tv_sec == btime.tv_sec && stx->stx_btime.tv_nsec == btime.tv_nsec) {
      return LowerFile{*stx, layer};
    }
  }
  return std::nullopt;
}

// How many layers, from the topmost, can be seen in a directory: an opaque directory, or one on the
// way to it, is the last that can.
int LowerLayers::visible_layers(const std::string& directory) const {
  constexpr std::size_t kMostKept = 4096;
  if (directory.empty()) return static_cast<int>(roots_.size());
  {
    const std::scoped_lock lock(visibility_->mutex);
    const auto kept = visibility_->layers.find(directory);
    if (kept != visibility_->layers.end()) return kept->second;
  }
  int visible = static_cast<int>(roots_.size());
  bool certain = true;
  for (std::size_t end = 0; end != std::string::npos;) {
    end = directory.find('/', end + 1);
    const std::string part = directory.substr(0, end);
    for (int layer = 0; layer < visible; ++layer) {
      const UniqueFd opened = look_up(layer, part);
      if (!opened.valid()) {
        certain = certain && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP);
      } else if (overlay_mark(opened, "opaque", user_xattr_) == "y") {
        visible = layer + 1;
      }
    }
  }
  if (!certain) return visible;  // short of descriptors, perhaps
  const std::scoped_lock lock(visibility_->mutex);
  if (visibility_->layers.size() >= kMostKept) visibility_->layers.clear();
  visibility_->layers[directory] = visible;
  return visible;
}

// The topmost layer that has something at the path decides, if no layer above it hides it. A layer
// hides it by a non-directory on the way (a whiteout is one): ENOTDIR, or ELOOP for a symbolic
// link; or by an opaque directory, which is only asked once a file was found, as most lookups find
// none.
std::optional<LowerLayers::Found> LowerLayers::find_original(std::string_view path) const {
  const auto relative = relative_of(path);
  if (!relative) {
    errno = EINVAL;
    return std::nullopt;
  }
  for (int layer = 0; layer < static_cast<int>(roots_.size()); ++layer) {
    UniqueFd file = look_up(layer, *relative);
    if (!file.valid()) {
      if (errno == ENOENT) continue;
      return std::nullopt;
    }
    const auto stx = stat_of(file);
    if (!stx) return std::nullopt;
    errno = ENOENT;
    if (!S_ISREG(stx->stx_mode)) return std::nullopt;
    // Since 6.7 an empty file with this mark is a whiteout too.
    if (stx->stx_size == 0 && overlay_mark(file, "whiteout", user_xattr_)) return std::nullopt;
    const std::size_t slash = relative->rfind('/');
    if (layer >= visible_layers(slash == std::string::npos ? "" : relative->substr(0, slash))) {
      errno = ENOENT;
      return std::nullopt;
    }
    return Found{std::move(file), LowerFile{*stx, layer}};
  }
  errno = ENOENT;
  return std::nullopt;
}

std::optional<LowerFile> LowerLayers::original(std::string_view path) const {
  const auto found = find_original(path);
  if (!found) return std::nullopt;
  return found->lower;
}

Result<UniqueFd> LowerLayers::open_original(std::string_view path) const {
  const auto found = find_original(path);
  if (!found) return errno_error("find " + std::string(path) + " in the image's layers");
  UniqueFd file(::open(descriptor_path(found->file).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.valid()) return errno_error("open " + std::string(path) + " in the image's layers");
  return file;
}

bool LowerLayers::newer_than(const struct statx_timestamp& upper_btime) const {
  const auto time_of = [](const struct statx_timestamp& time) {
    return std::tuple(time.tv_sec, time.tv_nsec);
  };
  return std::any_of(root_stats_.begin(), root_stats_.end(), [&](const struct statx& root) {
    return (root.stx_mask & STATX_BTIME) == 0 || time_of(root.stx_btime) >= time_of(upper_btime);
  });
}

}  // namespace holdfast
