#include "kernel/procfs.h"

#include <fcntl.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include <charconv>

#include "kernel/file_stat.h"
#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

constexpr int kSyscallTries = 5;
constexpr long kRetryNanoseconds = 100'000;

std::string proc_path(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

}  // namespace

std::optional<BlockedSyscall> parse_syscall(std::string_view text) {
  BlockedSyscall call;
  const char* end = text.data() + text.size();
  auto [at, number_error] = std::from_chars(text.data(), end, call.number);
  if (number_error != std::errc() || call.number < 0) return std::nullopt;
  for (std::uint64_t& arg : call.args) {
    if (end - at < 4 || std::string_view(at, 3) != " 0x") return std::nullopt;
    auto [next, error] = std::from_chars(at + 3, end, arg, 16);
    if (error != std::errc()) return std::nullopt;
    at = next;
  }
  return call;
}

std::optional<BlockedSyscall> read_blocked_syscall(pid_t tid) {
  const std::string path = proc_path(tid, "syscall");
  for (int tries = 0; tries < kSyscallTries; ++tries) {
    Result<std::string> text = read_small_file(path, 256);
    if (!text) return std::nullopt;
    if (auto call = parse_syscall(*text)) return call;
    if (!text->starts_with("running")) return std::nullopt;
    const timespec pause{0, kRetryNanoseconds};
    nanosleep(&pause, nullptr);
  }
  return std::nullopt;
}

Result<std::string> read_small_file(const std::string& path, std::size_t limit) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("open " + path);
  std::string text;
  char buffer[4096];
  while (text.size() < limit) {
    const ssize_t length = read(fd.get(), buffer, std::min(sizeof buffer, limit - text.size()));
    if (length < 0) {
      if (errno == EINTR) continue;
      return errno_error("read " + path);
    }
    if (length == 0) break;
    text.append(buffer, static_cast<std::size_t>(length));
  }
  return text;
}

Result<std::string> read_link(const std::string& path) {
  char buffer[PATH_MAX];
  const ssize_t length = readlink(path.c_str(), buffer, sizeof buffer);
  if (length < 0) return errno_error("readlink " + path);
  if (length == sizeof buffer) return Error{ENAMETOOLONG, "readlink " + path, ""};
  return std::string(buffer, static_cast<std::size_t>(length));
}

Result<std::string> path_of_descriptor(int fd) {
  return read_link("/proc/self/fd/" + std::to_string(fd));
}

int parse_mount_id(std::string_view fdinfo) {
  constexpr std::string_view kName = "mnt_id:\t";
  const std::size_t at = fdinfo.find(kName);
  int id = -1;
  if (at == std::string_view::npos) return id;
  const std::string_view number = fdinfo.substr(at + kName.size());
  std::from_chars(number.data(), number.data() + number.size(), id);
  return id;
}

int mount_id_of(int fd) {
  const Result<std::string> text = read_small_file("/proc/self/fdinfo/" + std::to_string(fd), 4096);
  return text ? parse_mount_id(*text) : -1;
}

std::optional<pid_t> thread_group_of(pid_t tid) {
  Result<std::string> text = read_small_file(proc_path(tid, "status"), 4096);
  if (!text) return std::nullopt;
  const std::size_t at = text->find("\nTgid:\t");
  if (at == std::string::npos) return std::nullopt;
  const char* begin = text->data() + at + 7;
  pid_t group = 0;
  if (std::from_chars(begin, text->data() + text->size(), group).ec != std::errc())
    return std::nullopt;
  return group;
}

std::optional<ObjectId> object_id(const std::string& path) {
  const std::optional<FileStat> file = stat_of_path(path);
  if (!file) return std::nullopt;
  return ObjectId{device_of(*file), file->stx_ino};
}

}  // namespace holdfast
