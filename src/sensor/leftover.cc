#include "sensor/leftover.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "kernel/open_beneath.h"
#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

bool is_same_empty_file(const struct stat& named, int fd) {
  struct stat opened {};
  return fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev &&
         named.st_ino == opened.st_ino && S_ISREG(opened.st_mode) && opened.st_size == 0;
}

bool unlink_below(const std::string& root, dev_t device, const std::string& path, int fd) {
  const UniqueFd root_fd(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root_fd.valid()) return false;
  // A view through /proc may by now lead elsewhere: a lookup on a FUSE root could wait for ever.
  const std::optional<FileStat> seen =
      stat_of_path("/proc/self/fd/" + std::to_string(root_fd.get()));
  if (!seen || device_of(*seen) != device) return false;
  const std::size_t slash = path.rfind('/');
  const std::string parent = path.substr(1, std::max<std::size_t>(slash, 1) - 1);
  const std::string name = path.substr(slash + 1);
  const UniqueFd directory = open_beneath(root_fd.get(), parent, O_PATH | O_DIRECTORY);
  if (!directory.valid()) return false;
  struct stat named {};
  if (fstatat(directory.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return is_same_empty_file(named, fd) && unlinkat(directory.get(), name.c_str(), 0) == 0;
}

}  // namespace

void disarm_leftover(int fd, const FileStat& file) { fchmod(fd, file.stx_mode & 07777 & ~0111); }

bool remove_leftover(int fd, const FileStat& file, const std::string& path,
                     const std::vector<std::string>& roots, dev_t device) {
  if (file.stx_nlink == 0) return true;
  if (!path.starts_with('/')) return false;
  for (const std::string& root : roots) {
    if (unlink_below(root, device, path, fd)) return true;
  }
  return false;
}

}  // namespace holdfast
