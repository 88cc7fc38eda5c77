// Which system call a seccomp notification is about, for every architecture whose calls a container
// may make here.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace holdfast {

enum class NotifiedCall : std::uint8_t {
  memfd_create,
  // What is refused or let happen by the policy alone, as no file is named by a register:
  mount,       // mount, move_mount, fsmount, mount_setattr, open_tree, open_tree_attr
  namespaces,  // unshare, clone
  io_uring,    // io_uring_setup
  // What may make a file executable without an open (sensor/permission_call.h):
  chmod,
  fchmod,
  fchmodat,
  fchmodat2,
  mknod,
  mknodat,
  setxattr,
  lsetxattr,
  fsetxattr,
  setxattrat,
};

class NotifiedCalls {
 public:
  NotifiedCalls();
  // Nothing: a call that no profile of ours asks about.
  std::optional<NotifiedCall> of(const seccomp_data& data) const;

 private:
  std::unordered_map<std::uint64_t, NotifiedCall> calls_;  // by architecture and number
};

}  // namespace holdfast
