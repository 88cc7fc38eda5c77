#include "daemon/enforcement.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

std::string create(FactMask missing, const std::string& tier, bool managed = true) {
  const CompiledPolicies compiled = compile_policies({{"p.yml", R"(file:
  selectors:
    - {name: tmp, operation: [createExecutable], targetFilePath: [/tmp/**]}
    - {name: front, operation: [createExecutable, execMemFd],
       orchestratorResourceLabel: [tier:front]}
  responses:
    - {match: [tmp], actions: [alert]}
    - {match: [front], actions: [block, alert]}
)"}});
  EXPECT_NE(compiled.set, nullptr);
  auto workload = std::make_shared<Workload>();
  workload->orchestrator.resource_labels = {{"tier", tier}};
  const Identity who{workload, missing, managed, false};
  const auto by_operation =
      enforcement_of(*compiled.set, who, {.unmanaged = UnmanagedRule::alert}, {true, "exec_watch"});
  EXPECT_EQ(by_operation.at("modifyExecutable"), "none");
  EXPECT_EQ(by_operation.at("execMemFd"), by_operation.at("createExecutable") == "block" ? "kill"
                                          : managed                                      ? "none"
                                                                                         : "alert");
  return by_operation.at("createExecutable");
}

TEST(Enforcement, IsWhatSomePathCouldMeet) {
  EXPECT_EQ(create(0, "front"), "block");
  EXPECT_EQ(create(0, "back"), "alert");
}

TEST(Enforcement, OfWhatIsNotKnownYetIsTheStrictest) {
  EXPECT_EQ(create(kLabelsFact, ""), "block");
}

TEST(Enforcement, FollowsTheUnmanagedRule) { EXPECT_EQ(create(0, "front", false), "alert"); }

TEST(Enforcement, WithoutCoverageThereIsNone) {
  const CompiledPolicies compiled = compile_policies({{"p.yml", R"(file:
  selectors:
    - {name: all, operation: [createExecutable, execMemFd]}
  responses:
    - {match: [all], actions: [block, alert]}
)"}});
  const Identity who{std::make_shared<Workload>()};
  EXPECT_EQ(enforcement_of(*compiled.set, who, {}, {false, "none"}).at("createExecutable"), "none");
  EXPECT_EQ(enforcement_of(*compiled.set, who, {}, {true, "none"}).at("execMemFd"), "none");
}

}  // namespace
}  // namespace holdfast
