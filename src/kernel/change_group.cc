#include "kernel/change_group.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace holdfast {
namespace {

constexpr std::size_t kBuffer = 64 << 10;  // some 700 events

// Directories are left out (no FAN_ONDIR): what is in a renamed one was told of when it was made.
constexpr std::uint64_t kMask = FAN_ATTRIB | FAN_CREATE | FAN_MOVED_TO;

union HandleBuffer {
  file_handle handle;
  std::array<char, sizeof(file_handle) + MAX_HANDLE_SZ> bytes;
};

constexpr std::size_t kHandleHeader = offsetof(file_handle, f_handle);

}  // namespace

ChangeGroup::ChangeGroup(UniqueFd fd) : fd_(std::move(fd)), buffer_(kBuffer) {}

Result<ChangeGroup> ChangeGroup::open(const std::string& directory) {
  UniqueFd fd(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_TID |
                                FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME,
                            O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return errno_error("fanotify_init with names",
                       errno == EINVAL ? "the kernel needs version 5.9" : "");
  }
  if (fanotify_mark(fd.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, kMask, AT_FDCWD,
                    directory.c_str()) != 0) {
    return errno_error("watch the filesystem of " + directory);
  }
  return ChangeGroup(std::move(fd));
}

Result<std::string_view> ChangeGroup::read() {
  const ssize_t length = ::read(fd(), buffer_.data(), buffer_.size());
  if (length >= 0) return std::string_view(buffer_.data(), static_cast<std::size_t>(length));
  if (errno == EAGAIN || errno == EINTR) return std::string_view();
  return errno_error("read of changes");
}

UniqueFd open_handle(int directory, std::string_view handle) {
  HandleBuffer buffer{};
  if (handle.size() < kHandleHeader || handle.size() > buffer.bytes.size()) {
    errno = EINVAL;
    return UniqueFd();
  }
  std::memcpy(buffer.bytes.data(), handle.data(), handle.size());
  return UniqueFd(open_by_handle_at(directory, &buffer.handle, O_PATH | O_CLOEXEC));
}

std::string handle_of(int fd) {
  HandleBuffer buffer{};
  buffer.handle.handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  if (name_to_handle_at(fd, "", &buffer.handle, &mount_id, AT_EMPTY_PATH) != 0) return "";
  return {buffer.bytes.data(), kHandleHeader + buffer.handle.handle_bytes};
}

}  // namespace holdfast
