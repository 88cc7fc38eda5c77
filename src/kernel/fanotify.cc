#include "kernel/fanotify.h"

#include <fcntl.h>

#include <algorithm>
#include <array>

namespace holdfast {
namespace {

constexpr std::size_t kMostEvents = 32;

unsigned scope_flag(MarkScope scope) {
  switch (scope) {
    case MarkScope::inode:
      return FAN_MARK_INODE;
    case MarkScope::mount:
      return FAN_MARK_MOUNT;
    case MarkScope::filesystem:
      return FAN_MARK_FILESYSTEM;
  }
  return FAN_MARK_INODE;
}

class KernelGroup : public FanotifyGroup {
 public:
  explicit KernelGroup(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const override { return fd_.get(); }

  Status mark(MarkScope scope, std::uint64_t mask, const std::string& path) override {
    if (fanotify_mark(fd_.get(), FAN_MARK_ADD | scope_flag(scope), mask, AT_FDCWD, path.c_str()) !=
        0) {
      return errno_error("fanotify mark on " + path);
    }
    return {};
  }

  Result<std::vector<FanotifyEvent>> read(std::size_t limit) override {
    // The buffer bounds how many descriptors one read may bring.
    alignas(fanotify_event_metadata) std::array<char, kMostEvents * FAN_EVENT_METADATA_LEN> buffer;
    const std::size_t room =
        std::clamp<std::size_t>(limit, 1, kMostEvents) * FAN_EVENT_METADATA_LEN;
    ssize_t length = ::read(fd_.get(), buffer.data(), room);
    if (length < 0) {
      if (errno == EAGAIN || errno == EINTR) return std::vector<FanotifyEvent>{};
      return errno_error("read of a permission event");
    }
    std::vector<FanotifyEvent> events;
    const auto* metadata = reinterpret_cast<const fanotify_event_metadata*>(buffer.data());
    for (; FAN_EVENT_OK(metadata, length); metadata = FAN_EVENT_NEXT(metadata, length)) {
      events.push_back({UniqueFd(metadata->fd), metadata->mask, metadata->pid});
    }
    return events;
  }

  Status answer(int event_fd, bool allow) override {
    fanotify_response response{event_fd, static_cast<__u32>(allow ? FAN_ALLOW : FAN_DENY)};
    ssize_t written;
    do {
      written = ::write(fd_.get(), &response, sizeof response);
    } while (written < 0 && errno == EINTR);
    if (written < 0) return errno_error("answer to a permission event");
    return {};
  }

 private:
  UniqueFd fd_;
};

}  // namespace

Result<std::shared_ptr<FanotifyGroup>> open_fanotify_group() {
  UniqueFd fd(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
                                FAN_UNLIMITED_MARKS | FAN_REPORT_TID,
                            O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NOATIME));
  if (!fd.valid()) {
    const int code = errno;
    const char* remedy =
        code == EPERM    ? "run as root with CAP_SYS_ADMIN"
        : code == EMFILE ? "raise fs.fanotify.max_user_groups or the descriptor limit"
        : code == ENOSYS ? "the kernel needs CONFIG_FANOTIFY"
        : code == EINVAL ? "the kernel needs CONFIG_FANOTIFY_ACCESS_PERMISSIONS and version 5.0"
                         : "";
    return Error{code, "fanotify_init", remedy};
  }
  return std::shared_ptr<FanotifyGroup>(std::make_shared<KernelGroup>(std::move(fd)));
}

}  // namespace holdfast
