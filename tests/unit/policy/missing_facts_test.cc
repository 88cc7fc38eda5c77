#include "holdfast/missing_facts.h"

#include <gtest/gtest.h>

#include "holdfast/policy.h"

namespace holdfast {
namespace {

DecisionWithout decide(const std::string& responses, FactMask missing,
                       const std::string& name_space = "") {
  const std::string text = R"(file:
  selectors:
    - name: front
      operation: [createExecutable]
      orchestratorResourceLabel: [tier:front]
    - name: payments
      operation: [createExecutable]
      orchestratorNamespace: [payments]
    - name: cluster
      operation: [createExecutable]
      orchestratorClusterName: [prod]
    - name: all
      operation: [createExecutable]
  responses:
)" + responses;
  const CompiledPolicies compiled = compile_policies({{"p.yml", text}});
  EXPECT_NE(compiled.set, nullptr);
  Event event;
  auto workload = std::make_shared<Workload>();
  if (!name_space.empty()) workload->orchestrator.namespace_ = name_space;
  event.workload = workload;
  event.path = "/x";
  return compiled.set->decide_without(event, missing);
}

TEST(MissingFacts, ASelectorWithoutThemDecidesAtOnce) {
  const auto decision = decide("    - {match: [all], actions: [alert, block]}\n", kAllFacts);
  EXPECT_TRUE(decision.certain);
  EXPECT_TRUE(decision.strictest.block);
}

TEST(MissingFacts, WhatMayMatchLeavesItOpen) {
  const auto decision = decide("    - {match: [front], actions: [alert, block]}\n", kLabelsFact);
  EXPECT_FALSE(decision.certain);
  EXPECT_TRUE(decision.strictest.block);
  EXPECT_EQ(decision.strictest.selectors, std::vector<std::string>{"front"});
}

TEST(MissingFacts, AKnownFactThatRulesItOutCloses) {
  const auto decision =
      decide("    - {match: [payments], actions: [alert, block]}\n", kLabelsFact, "other");
  EXPECT_TRUE(decision.certain);
  EXPECT_EQ(decision.strictest.strongest, Action::allow);
}

// It is a setting, but holds for what is Kubernetes' alone.
TEST(MissingFacts, TheClustersNameIsKnownWithThePod) {
  const std::string rule = "    - {match: [cluster], actions: [alert, block]}\n";
  EXPECT_FALSE(decide(rule, kPodFact).certain);
  EXPECT_TRUE(decide(rule, kClusterFact | kLabelsFact).certain);
}

TEST(MissingFacts, AnExcludeThatMayMatchDoesNotCount) {
  const auto decision =
      decide("    - {match: [all], exclude: [front], actions: [alert, block]}\n", kLabelsFact);
  EXPECT_FALSE(decision.certain);
  EXPECT_TRUE(decision.strictest.block);
}

TEST(MissingFacts, TheyAreNamed) {
  EXPECT_EQ(describe_facts(kLabelsFact | kImageFact), "the pod's labels, the image");
}

}  // namespace
}  // namespace holdfast
