#include "kernel/fanotify.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

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

Status write_answer(int group_fd, int event_fd, bool allow) {
  const fanotify_response response{event_fd, static_cast<__u32>(allow ? FAN_ALLOW : FAN_DENY)};
  ssize_t written;
  do {
    written = ::write(group_fd, &response, sizeof response);
  } while (written < 0 && errno == EINTR);
  if (written < 0) return errno_error("answer to a permission event");
  return {};
}

void remove_marks(int group_fd) {
  for (const unsigned scope : {FAN_MARK_FILESYSTEM, FAN_MARK_MOUNT, FAN_MARK_INODE}) {
    fanotify_mark(group_fd, FAN_MARK_FLUSH | scope, 0, AT_FDCWD, "/");
  }
}

// A close waits about 10 ms for the kernel to let go of the group's marks, and so do openers that
// the group has not answered: 200 took 1.9 s one after the other, 0.1 to 0.2 s so (6.18).
void close_together(const std::vector<int>& groups) {
  constexpr std::size_t kThreads = 16;
  std::atomic<std::size_t> next{0};
  const auto close_some = [&] {
    for (std::size_t i = next++; i < groups.size(); i = next++) close(groups[i]);
  };
  std::vector<std::jthread> others;
  try {
    while (others.size() + 1 < std::min(kThreads, groups.size())) others.emplace_back(close_some);
  } catch (const std::system_error&) {
    // No more threads are to be had: those that there are close all.
  }
  close_some();
}

class KernelGroup : public FanotifyGroup {
 public:
  explicit KernelGroup(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const override { return fd_.get(); }

  Status mark(MarkScope scope, std::uint64_t mask, const std::string& path) override {
    if (fanotify_mark(fd(), FAN_MARK_ADD | scope_flag(scope), mask, AT_FDCWD, path.c_str()) != 0) {
      return errno_error("fanotify mark on " + path);
    }
    return {};
  }

  Status ignore(std::uint64_t mask, const std::string& path) override {
    constexpr unsigned kIgnore =
        FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY;
    if (fanotify_mark(fd(), kIgnore, mask, AT_FDCWD, path.c_str()) == 0) return {};
    return errno_error("fanotify ignore mark on " + path);
  }

  Result<std::optional<FanotifyEvent>> read() override {
    fanotify_event_metadata metadata{};
    return read_into(metadata, EventClaim());
  }

  Status answer(int event_fd, bool allow) override { return write_answer(fd(), event_fd, allow); }

 protected:
  // One event at a time bounds the descriptors that a read may bring.
  Result<std::optional<FanotifyEvent>> read_into(fanotify_event_metadata& metadata,
                                                 EventClaim claim) {
    const ssize_t length = ::read(fd(), &metadata, sizeof metadata);
    if (length < 0) {
      if (errno == EAGAIN || errno == EINTR) return std::optional<FanotifyEvent>();
      return errno_error("read of a permission event");
    }
    claim.arrived();
    after_read(claim);
    return std::optional(
        FanotifyEvent{UniqueFd(metadata.fd), metadata.mask, metadata.pid, std::move(claim)});
  }

 private:
  UniqueFd fd_;
};

class HeldGroup final : public KernelGroup {
 public:
  HeldGroup(HeldGroups held, std::uint32_t place)
      : KernelGroup(UniqueFd()), held_(std::move(held)), place_(place) {}

  ~HeldGroup() override {
    // Whoever else holds the descriptor (a service manager's store) must not keep openers waiting.
    remove_marks(fd());
    entry().state = HeldDescriptor::leaving;
    held_.on_change();
  }

  int fd() const override { return held_.descriptors[place_].fd.load(std::memory_order_relaxed); }
  std::optional<std::uint32_t> place() const override { return place_; }
  void set_paused(bool paused) override { entry().paused = paused ? 1 : 0; }

  Result<std::optional<FanotifyEvent>> read() override {
    EventClaim claim = held_.events.take(place_);
    if (claim.empty()) return Error{ENOBUFS, "take a place for a permission event", ""};
    fanotify_event_metadata& metadata = claim.slot()->event;
    Result<std::optional<FanotifyEvent>> event = read_into(metadata, std::move(claim));
    if (!event || *event) entry().reads.fetch_add(1, std::memory_order_relaxed);
    return event;
  }

 private:
  HeldDescriptor& entry() { return held_.descriptors[place_]; }
  HeldGroups held_;
  std::uint32_t place_;
};

Result<UniqueFd> new_group(EventQueue queue) {
  const unsigned size = queue == EventQueue::unlimited ? FAN_UNLIMITED_QUEUE : 0;
  // Not O_NONBLOCK: where somebody holds a lease on the file, the open would fail, and the kernel
  // deny the opener, who would otherwise just have waited for the lease to be given up.
  UniqueFd fd(fanotify_init(
      FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_MARKS | FAN_REPORT_TID | size,
      O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NOATIME));
  if (fd.valid()) return fd;
  const int code = errno;
  const char* remedy =
      code == EPERM    ? "it needs CAP_SYS_ADMIN: be root on the node, or a privileged container"
      : code == EMFILE ? "raise fs.fanotify.max_user_groups or the descriptor limit"
      : code == ENOSYS ? "the kernel needs CONFIG_FANOTIFY"
      : code == EINVAL ? "the kernel needs version 5.0"
                       : "";
  return Error{code, "fanotify_init", remedy};
}

}  // namespace

Result<std::shared_ptr<FanotifyGroup>> open_fanotify_group() {
  Result<UniqueFd> fd = new_group(EventQueue::unlimited);
  if (!fd) return fd.error();
  return std::shared_ptr<FanotifyGroup>(std::make_shared<KernelGroup>(std::move(*fd)));
}

Status try_permission_events() {
  Result<UniqueFd> group = new_group(EventQueue::unlimited);
  if (!group) return group.error();
  const UniqueFd file(memfd_create("holdfast", MFD_CLOEXEC));
  if (!file.valid()) return errno_error("memfd_create");
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  Status marked = KernelGroup(std::move(*group)).mark(MarkScope::inode, FAN_OPEN_PERM, path);
  if (marked) return {};
  // The group alone can be had without them.
  return Error{marked.error().code, "ask for permission events (fanotify_mark)",
               marked.error().code == EINVAL ? "the kernel needs CONFIG_FANOTIFY_ACCESS_PERMISSIONS"
                                             : "is /proc mounted?"};
}

Result<std::shared_ptr<FanotifyGroup>> HeldGroups::open(const DescriptorKey& key,
                                                        EventQueue queue) {
  std::optional<std::uint32_t> place = descriptors.claim(DescriptorKind::permission_group, key);
  if (!place) {
    Result<UniqueFd> fd = new_group(queue);
    if (!fd) return fd.error();
    place = descriptors.add(DescriptorKind::permission_group, key, fd->get());
    if (!place) return Error{ENOBUFS, "keep one more group of permission events", ""};
    fd->release();
    on_change();
  }
  return std::shared_ptr<FanotifyGroup>(std::make_shared<HeldGroup>(*this, *place));
}

void end_groups(DescriptorTable& descriptors) {
  std::vector<int> groups;
  for (HeldDescriptor& entry : descriptors.entries()) {
    const bool ours = is_open(entry.state) && entry.stored == 0;
    if (!ours || entry.kind != DescriptorKind::permission_group) continue;
    remove_marks(entry.fd);
    groups.push_back(entry.fd);
    entry.state = HeldDescriptor::free;
  }
  close_together(groups);
}

FanotifyEvent inherited_event(EventTable& events, EventSlot& slot) {
  return {UniqueFd(slot.event.fd), slot.event.mask, slot.event.pid, EventClaim(&events, &slot)};
}

void answer_taken(DescriptorTable& descriptors, EventSlot& slot, bool allow) {
  answer_event(descriptors[slot.group].fd, slot.event.fd, allow);
  slot.state = EventSlot::answered;
}

bool answer_event(int group_fd, int event_fd, bool allow) {
  return write_answer(group_fd, event_fd, allow).ok();
}

}  // namespace holdfast
