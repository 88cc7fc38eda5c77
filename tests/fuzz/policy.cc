// Policies, the way `holdfast check` and the daemon take.
#include "holdfast/policy.h"

#include <nlohmann/json.hpp>

#include "fuzz.h"

using namespace holdfast;

namespace {

Event event_of(Operation operation) {
  Event event;
  event.operation = operation;
  event.path = "/usr/local/bin/x";
  auto workload = std::make_shared<Workload>();
  workload->container = {"4f1c", "web-1", "docker.io/library/nginx", "1.25"};
  workload->orchestrator.namespace_ = "default";
  workload->orchestrator.resource_labels.emplace().emplace("app", "web");
  event.workload = std::move(workload);
  event.process = {41, "cp", "/bin/cp", false};
  return event;
}

void check(const PolicySet& set, const Event& event) {
  const Decision decision = set.decide(event);
  require(decision.strongest <= set.strongest_for({event.operation}),
          "no decision is stronger than the strongest possible one");
  require((decision.strongest == Action::allow) == decision.selectors.empty(),
          "an action has a selector that asked for it");
  require(!decision.block || decision.alert, "what is blocked is reported");
  const auto account = nlohmann::json::parse(set.explain(event));
  require(account.at("decision") == to_string(decision.strongest), "explain tells the decision");
}

}  // namespace

void fuzz(std::string_view text) {
  const CompiledPolicies compiled = compile_policies({{"p.yml", std::string(text)}});
  bool valid = true;
  for (const Diagnostic& diagnostic : compiled.diagnostics) {
    valid = valid && diagnostic.severity != Diagnostic::Severity::error;
    require(diagnostic.line >= 1 && diagnostic.column >= 1, "positions count from 1");
    require(diagnostic.to_string().find('\n') == std::string::npos, "a diagnostic is one line");
  }
  require(valid == (compiled.set != nullptr), "there is a set unless a diagnostic is an error");
  if (!compiled.set) return;
  for (int i = 0; i < kOperationCount; ++i) {
    check(*compiled.set, event_of(static_cast<Operation>(i)));
  }
}
