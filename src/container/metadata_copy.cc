#include "container/metadata_copy.h"

#include <sys/xattr.h>

#include <array>
#include <cerrno>

namespace holdfast {

bool redirect_leads_to(std::string_view redirect, std::string_view path) {
  if (redirect.starts_with('/')) return redirect == path;
  return redirect == path.substr(path.rfind('/') + 1);
}

bool is_metadata_copy(const std::string& file, const std::string& path) {
  // The other names, user.overlay.*, are of overlays that make no such copies.
  if (getxattr(file.c_str(), "trusted.overlay.metacopy", nullptr, 0) < 0) return false;
  std::array<char, 4096> redirect{};
  const ssize_t length =
      getxattr(file.c_str(), "trusted.overlay.redirect", redirect.data(), redirect.size());
  if (length < 0) return errno == ENODATA;
  return redirect_leads_to({redirect.data(), static_cast<std::size_t>(length)}, path);
}

}  // namespace holdfast
