#include "sensor/identity.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

DecisionWithout blocks(bool certain) {
  DecisionWithout decision;
  decision.strictest = {.strongest = Action::block, .alert = true, .block = true};
  decision.certain = certain;
  return decision;
}

Identity who(FactMask missing, bool managed = true, bool overdue = false) {
  return {nullptr, missing, managed, overdue};
}

TEST(IdentityVerdict, WaitsOnlyForFactsThatDecide) {
  EXPECT_FALSE(judge_identity(blocks(true), who(kLabelsFact), {}).wait);
  EXPECT_TRUE(judge_identity(blocks(true), who(kLabelsFact), {}).decision.block);
  EXPECT_TRUE(judge_identity(blocks(false), who(kLabelsFact), {}).wait);
}

TEST(IdentityVerdict, OverdueIsDecidedByTheUnknownRule) {
  const auto decide = [](UnknownRule rule) {
    return judge_identity(blocks(false), who(kLabelsFact, true, true), {.unknown = rule});
  };
  EXPECT_EQ(decide(UnknownRule::strictest).decision.strongest, Action::block);
  EXPECT_EQ(decide(UnknownRule::block).decision.strongest, Action::block);
  EXPECT_EQ(decide(UnknownRule::alert).decision.strongest, Action::alert);
  EXPECT_FALSE(decide(UnknownRule::alert).decision.block);
  EXPECT_EQ(decide(UnknownRule::allow).decision.strongest, Action::allow);
  EXPECT_NE(decide(UnknownRule::alert).reason.find("the pod's labels"), std::string::npos);
}

TEST(IdentityVerdict, WhatNoRuntimeClaimsFollowsTheUnmanagedRule) {
  const auto decide = [](UnmanagedRule rule) {
    return judge_identity(blocks(true), who(0, false), {.unmanaged = rule}).decision.strongest;
  };
  EXPECT_EQ(decide(UnmanagedRule::as_policy), Action::block);
  EXPECT_EQ(decide(UnmanagedRule::alert), Action::alert);
  EXPECT_EQ(decide(UnmanagedRule::ignore), Action::allow);
}

TEST(IdentityVerdict, WhetherARuntimeClaimsItIsWaitedForWhereThatDecides) {
  const Identity unclaimed_yet = who(kClaimFact, false);
  EXPECT_TRUE(
      judge_identity(blocks(true), unclaimed_yet, {.unmanaged = UnmanagedRule::alert}).wait);
  EXPECT_FALSE(
      judge_identity(blocks(true), unclaimed_yet, {.unmanaged = UnmanagedRule::as_policy}).wait);
}

}  // namespace
}  // namespace holdfast
