#include "kernel/open_beneath.h"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace holdfast {
namespace {

int openat2_beneath(int directory, const char* relative, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  return static_cast<int>(syscall(SYS_openat2, directory, relative, &how, sizeof how));
}

UniqueFd walk_beneath(int directory, const std::string& relative, int flags) {
  UniqueFd held;
  for (std::size_t start = 0;;) {
    const std::size_t slash = relative.find('/', start);
    const bool last = slash == std::string::npos;
    const std::string component = relative.substr(start, last ? slash : slash - start);
    if (component.empty() || component == "." || component == "..") {
      errno = EINVAL;
      return {};
    }
    // A symbolic link is no directory here: ENOTDIR.
    UniqueFd next(openat(directory, component.c_str(),
                         last ? flags : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (last || !next.valid()) return next;
    held = std::move(next);
    directory = held.get();
    start = slash + 1;
  }
}

}  // namespace

BeneathLookup best_beneath_lookup() {
  static const BeneathLookup best =
      UniqueFd(openat2_beneath(AT_FDCWD, ".", O_PATH | O_CLOEXEC)).valid()
          ? BeneathLookup::openat2
          : BeneathLookup::component_walk;
  return best;
}

UniqueFd open_beneath(int directory, const std::string& relative, int flags, BeneathLookup lookup) {
  flags |= O_NOFOLLOW | O_CLOEXEC;
  if (relative.empty()) return UniqueFd(openat(directory, ".", flags));
  if (lookup == BeneathLookup::component_walk) return walk_beneath(directory, relative, flags);
  return UniqueFd(openat2_beneath(directory, relative.c_str(), flags));
}

}  // namespace holdfast
