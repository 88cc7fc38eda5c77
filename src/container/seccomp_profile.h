// Seccomp profiles: an engine's own, and the rules by which the agent is asked
// (docs/seccomp.md). Forms: the OCI one (runtime-spec, config-linux.md, "Seccomp") and docker's,
// which adds archMap and conditions (includes, excludes) that the engine resolves. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/result.h"

namespace holdfast {

// A choice of rules: which calls the agent is asked about.
struct NotifyRules {
  bool memfd = true;        // memfd_create
  bool mount = false;       // mount, move_mount, fsmount, mount_setattr, copies by open_tree
  bool namespaces = false;  // unshare and clone with CLONE_NEWNS, CLONE_NEWUSER; clone3: ENOSYS
  bool io_uring = false;    // io_uring_setup
  // chmod and its kin with an x bit, mknod of a regular file with one, setxattr and its kin (the
  // attribute's name is behind a pointer).
  bool permissions = false;
};
// "memfd,mount"; "all". The error names the word that is none.
Result<NotifyRules> parse_notify_rules(std::string_view list);

// The profile with the rules. A call that `base` refuses, or allows for some arguments only, stays
// as it is: the agent could otherwise let it happen. Error: `base` is no profile, or asks another
// agent already.
Result<nlohmann::json> add_notify_rules(nlohmann::json base, const NotifyRules& rules,
                                        const std::string& listener_path);

// What docker's conditions come to for a container.
struct ProfileTarget {
  std::vector<std::string> capabilities;  // "CAP_CHOWN"
  std::string architecture;               // as uname(2) has it: "x86_64"
  std::pair<int, int> kernel;             // {5, 10}
};
// Docker's form as the OCI one, for runtimes that would not see the conditions (containerd's CRI).
Result<nlohmann::json> resolve_conditions(nlohmann::json profile, const ProfileTarget& target);

// An allow-all profile: for containers that have none.
nlohmann::json empty_profile();

}  // namespace holdfast
