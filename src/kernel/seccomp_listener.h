// The listener's end of a seccomp filter with SCMP_ACT_NOTIFY (seccomp_unotify(2)): a blocked
// system call is received, and answered by its id. The kernel refuses an answer (ENOENT) unless the
// very thread is still blocked in that very call, so that what was read of it meanwhile was its.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "holdfast/result.h"
#include "kernel/descriptor_table.h"
#include "kernel/notification_table.h"
#include "kernel/unique_fd.h"

namespace holdfast {

class SeccompListener {
 public:
  virtual ~SeccompListener() = default;
  virtual int fd() const = 0;  // POLLIN: a call waits; POLLHUP: no process has the filter (5.9)

  // After POLLIN it does not block. ENOENT: the caller was killed meanwhile.
  virtual Status receive(seccomp_notif& notification) = 0;
  // Is that thread still blocked in that call? Then what was read of it since was its.
  virtual bool still_waits(std::uint64_t id) = 0;
  // ENOENT from each of these: the caller is gone, or was interrupted.
  virtual Status fail(std::uint64_t id, int error) = 0;  // the call fails with this errno
  // The kernel performs the call. Before 5.5, which cannot, the call fails with ENOSYS.
  virtual Status let_happen(std::uint64_t id) = 0;
  // The call returns a new descriptor of `file` in the caller (5.9). EMFILE: the caller's limit.
  // ENOTTY: this kernel cannot do that.
  virtual Status return_descriptor(std::uint64_t id, int file, bool close_on_exec) = 0;

  // Its entry in the descriptor table, if it is in one.
  virtual std::uint32_t place() const = 0;
  virtual const DescriptorKey& key() const = 0;
};

// Listeners that outlive a worker, in the table that worker and keeper share. The key's `high` is a
// digest of the container's id: the successor knows by it whose listener it has taken over.
struct HeldListeners {
  DescriptorTable& descriptors;
  std::function<void()> on_change;  // as HeldGroups::on_change

  // Takes the descriptor, which is close-on-exec. Its entry leaves when the object dies.
  Result<std::shared_ptr<SeccompListener>> add(const std::string& container_id, UniqueFd fd) const;
  // One that an earlier worker left, if there is any more.
  std::shared_ptr<SeccompListener> take_over() const;
};

// Is it what seccomp(2) returns for SECCOMP_FILTER_FLAG_NEW_LISTENER?
bool is_seccomp_listener(int fd);

// Not at all if this kernel's notifications are larger than a slot has room for.
Status check_notification_size();

}  // namespace holdfast
