#include "sensor/identity.h"

namespace holdfast {
namespace {

Decision only_alert(Decision decision) {
  if (!decision.block) return decision;
  decision.block = false;
  decision.alert = true;
  decision.strongest = Action::alert;
  return decision;
}

Decision by_unknown_rule(Decision strictest, UnknownRule rule) {
  switch (rule) {
    case UnknownRule::strictest:
      return strictest;
    case UnknownRule::block:
      strictest.block = strictest.alert = true;
      strictest.strongest = Action::block;
      return strictest;
    case UnknownRule::alert:
      strictest.block = false;
      strictest.alert = true;
      strictest.strongest = Action::alert;
      return strictest;
    case UnknownRule::allow:
      return {};
  }
  return strictest;
}

bool claim_matters(const Decision& decision, UnmanagedRule rule) {
  switch (rule) {
    case UnmanagedRule::ignore:
      return decision.strongest != Action::allow;
    case UnmanagedRule::alert:
      return decision.block;
    case UnmanagedRule::as_policy:
      return false;
  }
  return false;
}

}  // namespace

IdentityVerdict judge_identity(DecisionWithout policy, const Identity& who, IdentityRules rules) {
  const bool claim_unknown = (who.missing & kClaimFact) != 0;
  if (!claim_unknown && !who.managed) {
    if (rules.unmanaged == UnmanagedRule::ignore) return {};
    if (rules.unmanaged == UnmanagedRule::alert && policy.strictest.block) {
      return {false, only_alert(std::move(policy.strictest)),
              "only reported: no container runtime claims the container"};
    }
  }
  const bool open =
      !policy.certain || (claim_unknown && claim_matters(policy.strictest, rules.unmanaged));
  if (!open) return {false, std::move(policy.strictest), ""};
  if (!who.overdue) return {.wait = true};
  return {false, by_unknown_rule(std::move(policy.strictest), rules.unknown),
          "decided by `unknown`: not known in time: " + describe_facts(who.missing)};
}

}  // namespace holdfast
