#include "sensor/notified_call.h"

#include <linux/audit.h>
#include <seccomp.h>

#include <array>
#include <future>
#include <memory>
#include <utility>

#include "sensor/container_guard.h"

namespace holdfast {
namespace {

// x32 calls come with the architecture of x86-64 and this bit in their number, as libseccomp gives
// it.
struct Architecture {
  std::uint32_t token;
  std::uint32_t audit;
};
constexpr std::array kArchitectures{Architecture{SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64},
                                    Architecture{SCMP_ARCH_X86, AUDIT_ARCH_I386},
                                    Architecture{SCMP_ARCH_X32, AUDIT_ARCH_X86_64},
                                    Architecture{SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64},
                                    Architecture{SCMP_ARCH_ARM, AUDIT_ARCH_ARM}};
constexpr std::array kNames{std::pair{"memfd_create", NotifiedCall::memfd_create},
                            std::pair{"mount", NotifiedCall::mount},
                            std::pair{"move_mount", NotifiedCall::mount},
                            std::pair{"fsmount", NotifiedCall::mount},
                            std::pair{"mount_setattr", NotifiedCall::mount},
                            std::pair{"open_tree", NotifiedCall::mount},
                            std::pair{"unshare", NotifiedCall::namespaces},
                            std::pair{"clone", NotifiedCall::namespaces},
                            std::pair{"io_uring_setup", NotifiedCall::io_uring},
                            std::pair{"chmod", NotifiedCall::chmod},
                            std::pair{"fchmod", NotifiedCall::fchmod},
                            std::pair{"fchmodat", NotifiedCall::fchmodat},
                            std::pair{"mknod", NotifiedCall::mknod},
                            std::pair{"mknodat", NotifiedCall::mknodat},
                            std::pair{"setxattr", NotifiedCall::setxattr},
                            std::pair{"lsetxattr", NotifiedCall::lsetxattr},
                            std::pair{"fsetxattr", NotifiedCall::fsetxattr}};
// Newer than libseccomp 2.5, and the same number everywhere.
constexpr std::array kNewCalls{std::pair{452, NotifiedCall::fchmodat2},
                               std::pair{463, NotifiedCall::setxattrat},
                               std::pair{467, NotifiedCall::mount}};  // open_tree_attr
constexpr int kX32 = 0x40000000;

std::uint64_t key(std::uint32_t architecture, int number) {
  return std::uint64_t{architecture} << 32 | static_cast<std::uint32_t>(number);
}

}  // namespace

NotifiedCalls::NotifiedCalls() {
  for (const auto& [token, audit] : kArchitectures) {
    for (const auto& [name, call] : kNames) {
      // Negative: the architecture has no such call.
      const int number = seccomp_syscall_resolve_name_arch(token, name);
      if (number >= 0) calls_.emplace(key(audit, number), call);
    }
    for (const auto& [number, call] : kNewCalls) {
      calls_.emplace(key(audit, token == SCMP_ARCH_X32 ? number | kX32 : number), call);
    }
  }
}

std::optional<NotifiedCall> NotifiedCalls::of(const seccomp_data& data) const {
  const auto found = calls_.find(key(data.arch, data.nr));
  return found == calls_.end() ? std::nullopt : std::optional(found->second);
}

bool ContainerGuard::refuses(const Act& act, pid_t tid) {
  Identity who = identity(tid);
  AlertRecord record = record_of(act, who);
  name_process(record, process_of(who, tid));
  if (!decide_record(act, record, who)) {
    // Of this listener alone, and no longer than the identity's timeout.
    const auto known = std::make_shared<std::promise<Identity>>();
    std::future<Identity> now = known->get_future();
    if (when_known(
            who, [known](ContainerGuard&, Identity told) { known->set_value(std::move(told)); })) {
      who = now.get();
      record.event.workload = who.workload;
    }
    decide_by_now(act, record, who);
  }
  // Let happen, it is no act yet: what comes of it is told of when it runs.
  if (!record.decision.block) return false;
  record.outcome = Outcome::blocked;
  services_.expect(record);
  count(&GateCounters::refused, &ContainerCounters::refused);
  report(std::move(record), who);
  return true;
}

}  // namespace holdfast
