#include "daemon/enforcement.h"

#include <array>

namespace holdfast {
namespace {

constexpr std::array kEnforced{Operation::create_executable, Operation::modify_executable,
                               Operation::exec_memfd};

std::string enforced(const Decision& decision, Operation operation, const Coverings& coverings) {
  if (!coverings.covered || decision.strongest == Action::allow) return "none";
  if (operation == Operation::exec_memfd) {
    if (coverings.memory_files == "none") return "none";
    if (decision.block && coverings.memory_files == "exec_watch") return "kill";
  }
  return std::string(to_string(decision.strongest));
}

}  // namespace

std::map<std::string, std::string> enforcement_of(const PolicySet& policies, const Identity& who,
                                                  IdentityRules rules, const Coverings& coverings) {
  std::map<std::string, std::string> by_operation;
  Identity now = who;
  now.overdue = true;  // what is not known by now decides nothing here
  for (const Operation operation : kEnforced) {
    Event event;
    event.operation = operation;
    event.workload = now.workload;
    DecisionWithout decision =
        policies.decide_without(event, static_cast<FactMask>(now.missing | kActFact));
    if (now.missing == 0) decision.certain = true;  // only the act is unknown
    by_operation.emplace(
        to_string(operation),
        enforced(judge_identity(std::move(decision), now, rules).decision, operation, coverings));
  }
  return by_operation;
}

}  // namespace holdfast
