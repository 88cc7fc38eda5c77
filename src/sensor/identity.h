// Who a container is, as far as it is known by now, and what is decided while it is not.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "container/cgroup_walk.h"
#include "holdfast/policy.h"

namespace holdfast {

struct Identity {
  std::shared_ptr<const Workload> workload;  // never null
  FactMask missing = 0;                      // a runtime is being asked for them
  bool managed = true;                       // a runtime claims it
  bool overdue = false;                      // it was waited for long enough
};

// Thread-safe.
class IdentitySource {
 public:
  virtual ~IdentitySource() = default;
  virtual Identity of(const std::string& container_id) = 0;
  // Calls once: when nothing is missing any more, or was waited for long enough. Maybe at once.
  virtual void when_known(const std::string& container_id, std::function<void()> then) = 0;
  // A root of that container is there; its processes are not yet.
  virtual void appeared(const std::string& container_id) = 0;
  // All containers that have processes now.
  virtual void set_present(const std::vector<ContainerCgroup>& containers) = 0;
};

enum class UnknownRule : std::uint8_t { strictest, block, alert, allow };
enum class UnmanagedRule : std::uint8_t { ignore, alert, as_policy };

struct IdentityRules {
  UnknownRule unknown = UnknownRule::strictest;
  UnmanagedRule unmanaged = UnmanagedRule::as_policy;
};

struct IdentityVerdict {
  bool wait = false;  // the missing facts decide: nothing is decided yet
  Decision decision;
  std::string reason;  // why the policy alone did not decide; may be empty
};

// `policy`: what the policy comes to without the missing facts.
IdentityVerdict judge_identity(DecisionWithout policy, const Identity& who, IdentityRules rules);

}  // namespace holdfast
