#include "kernel/caller_path.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "kernel/procfs.h"

namespace holdfast {
namespace {

constexpr std::array<std::string_view, 3> kOwnDescriptors{"/proc/self/fd/", "/proc/thread-self/fd/",
                                                          "/dev/fd/"};

std::string proc(pid_t tid, const std::string& name) {
  return "/proc/" + std::to_string(tid) + "/" + name;
}

UniqueFd open_place(const std::string& path) {
  return UniqueFd(open(path.c_str(), O_PATH | O_CLOEXEC));
}

UniqueFd look_up(int directory, const std::string& path, bool follow, std::uint64_t within) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC | (follow ? 0U : O_NOFOLLOW);
  how.resolve = within | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(
      static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

UniqueFd open_directory(pid_t tid, int directory) {
  return directory == AT_FDCWD ? open_place(proc(tid, "cwd"))
                               : open_callers_descriptor(tid, directory);
}

// A path relative to `directory` as one of the caller's root. Nothing: it is not below that.
std::optional<std::string> absolute(int root, int directory, const std::string& path) {
  const Result<std::string> top = path_of_descriptor(root);
  Result<std::string> start = path_of_descriptor(directory);
  if (!top || !start) return std::nullopt;
  if (*top != "/") {
    if (!start->starts_with(*top + "/") && *start != *top) return std::nullopt;
    start->erase(0, top->size());
  }
  return *start + "/" + path;
}

UniqueFd open_plain(pid_t tid, int directory, const std::string& path, bool follow) {
  const UniqueFd root = open_place(proc(tid, "root"));
  if (!root.valid() || path.empty()) return {};
  if (path.starts_with('/')) return look_up(root.get(), path, follow, RESOLVE_IN_ROOT);
  const UniqueFd start = open_directory(tid, directory);
  if (!start.valid()) return {};
  UniqueFd file = look_up(start.get(), path, follow, RESOLVE_BENEATH);
  if (file.valid() || errno != EXDEV) return file;
  // Up to the parent directory, or by an absolute link.
  const std::optional<std::string> whole = absolute(root.get(), start.get(), path);
  if (whole) return look_up(root.get(), *whole, follow, RESOLVE_IN_ROOT);
  // It has changed its root to a place that it is not below: up to its mount namespace's root.
  return look_up(start.get(), path, follow, RESOLVE_NO_SYMLINKS);
}

bool is_proc(int fd) {
  struct statfs filesystem {};
  return fstatfs(fd, &filesystem) == 0 && filesystem.f_type == PROC_SUPER_MAGIC;
}

std::optional<int> number_of(std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size() && number >= 0;
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<int> own_descriptor(std::string_view path) {
  for (const std::string_view directory : kOwnDescriptors) {
    if (path.starts_with(directory)) return number_of(path.substr(directory.size()));
  }
  return std::nullopt;
}

UniqueFd open_callers_descriptor(pid_t tid, int number) {
  return number < 0 ? UniqueFd() : open_place(proc(tid, "fd/" + std::to_string(number)));
}

UniqueFd open_callers_path(pid_t tid, int directory, const std::string& path, bool follow) {
  const std::optional<int> own = own_descriptor(path);
  if (own && follow) return open_callers_descriptor(tid, *own);
  UniqueFd file = open_plain(tid, directory, path, follow);
  if (file.valid() || errno != ELOOP || !follow) return file;
  // A descriptor of another process: /proc/PID/fd/N.
  const std::optional<CallersName> link = find_callers_name(tid, directory, path);
  if (!link || !number_of(link->name) || !is_proc(link->directory.get())) return {};
  return UniqueFd(openat(link->directory.get(), link->name.c_str(), O_PATH | O_CLOEXEC));
}

std::optional<CallersName> find_callers_name(pid_t tid, int directory, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  CallersName found;
  found.name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (found.name.empty() || found.name == "." || found.name == "..") return std::nullopt;
  found.directory = slash == std::string::npos
                        ? open_directory(tid, directory)
                        : open_plain(tid, directory, path.substr(0, slash + 1), true);
  if (!found.directory.valid()) return std::nullopt;
  return found;
}

}  // namespace holdfast
