#include "kernel/seccomp_listener.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "kernel/event_table.h"
#include "kernel/procfs.h"

namespace holdfast {
namespace {

// How this kernel injects a descriptor; learnt at the first use, which needs a blocked caller.
enum class Injection : std::uint8_t { at_once, two_steps };
std::atomic<Injection> injection{Injection::at_once};

Status send(int fd, std::uint64_t id, std::int64_t value, int error, std::uint32_t flags) {
  seccomp_notif_resp answer{};
  answer.id = id;
  answer.val = value;
  answer.error = error;
  answer.flags = flags;
  if (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0) return {};
  return errno_error("answer a seccomp notification");
}

class HeldListener final : public SeccompListener {
 public:
  HeldListener(HeldListeners held, std::uint32_t place) : held_(std::move(held)), place_(place) {}
  ~HeldListener() override {
    entry().state = HeldDescriptor::leaving;
    held_.on_change();
  }

  int fd() const override { return entry().fd.load(std::memory_order_relaxed); }
  std::uint32_t place() const override { return place_; }
  const DescriptorKey& key() const override { return entry().key; }

  Status receive(seccomp_notif& notification) override {
    if (ioctl(fd(), SECCOMP_IOCTL_NOTIF_RECV, &notification) == 0) return {};
    return errno_error("receive a seccomp notification");
  }
  bool still_waits(std::uint64_t id) override {
    return ioctl(fd(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
  }
  Status fail(std::uint64_t id, int error) override { return send(fd(), id, 0, -error, 0); }
  Status let_happen(std::uint64_t id) override {
    Status let = send(fd(), id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    if (let || let.error().code != EINVAL) return let;
    // Before 5.5 the kernel performs no call that was asked about, and waits until it is answered.
    return fail(id, ENOSYS);
  }

  Status return_descriptor(std::uint64_t id, int file, bool close_on_exec) override {
    seccomp_notif_addfd wanted{};
    wanted.id = id;
    wanted.srcfd = static_cast<__u32>(file);
    wanted.newfd_flags = close_on_exec ? O_CLOEXEC : 0;
    if (injection == Injection::at_once) {
      wanted.flags = SECCOMP_ADDFD_FLAG_SEND;
      if (ioctl(fd(), SECCOMP_IOCTL_NOTIF_ADDFD, &wanted) >= 0) return {};
      if (errno != EINVAL) return errno_error("inject a descriptor");
    }
    // 5.9 to 5.13: two steps. A caller that is interrupted between them keeps a descriptor that it
    // does not know of.
    wanted.flags = 0;
    const int number = ioctl(fd(), SECCOMP_IOCTL_NOTIF_ADDFD, &wanted);
    if (number >= 0) {
      injection = Injection::two_steps;
      return send(fd(), id, number, 0, 0);
    }
    if (errno == EINVAL) errno = ENOTTY;
    return errno_error("inject a descriptor");
  }

 private:
  HeldDescriptor& entry() const { return held_.descriptors[place_]; }
  HeldListeners held_;
  std::uint32_t place_;
};

}  // namespace

Result<std::shared_ptr<SeccompListener>> HeldListeners::add(const std::string& container_id,
                                                            UniqueFd fd) const {
  DescriptorKey key = descriptor_key(container_id);
  key.low = static_cast<std::uint64_t>(monotonic_ns());  // one container has many
  const auto place = descriptors.add(DescriptorKind::seccomp_listener, key, fd.get());
  if (!place) return Error{ENOBUFS, "keep one more seccomp listener", ""};
  fd.release();
  on_change();
  return std::shared_ptr<SeccompListener>(std::make_shared<HeldListener>(*this, *place));
}

std::shared_ptr<SeccompListener> HeldListeners::take_over() const {
  for (std::uint32_t i = 0; i < descriptors.used(); ++i) {
    HeldDescriptor& entry = descriptors[i];
    if (entry.state != HeldDescriptor::unclaimed || entry.kind != DescriptorKind::seccomp_listener)
      continue;
    const auto place = descriptors.claim(entry.kind, entry.key);
    if (place) return std::make_shared<HeldListener>(*this, *place);
  }
  return nullptr;
}

bool is_seccomp_listener(int fd) {
  const Result<std::string> link = read_link("/proc/self/fd/" + std::to_string(fd));
  return link && *link == "anon_inode:seccomp notify";
}

Status check_notification_size() {
  seccomp_notif_sizes sizes{};
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) {
    return errno_error("ask for the size of seccomp notifications",
                       "the kernel needs CONFIG_SECCOMP_FILTER and version 5.0");
  }
  if (sizes.seccomp_notif <= sizeof(seccomp_notif) &&
      sizes.seccomp_notif_resp <= sizeof(seccomp_notif_resp)) {
    return {};
  }
  return Error{EOVERFLOW, "this kernel's seccomp notifications are larger than known", ""};
}

}  // namespace holdfast
