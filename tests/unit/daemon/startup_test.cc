#include "daemon/startup.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "../policy/policy_samples.h"
#include "../policy/temp_policies.h"

namespace holdfast::testing {
namespace {

// What a worker falls back on when the files are in error.
TEST(PoliciesInForce, AWriteThatFailsKeepsWhatWasSaved) {
  const TempPolicies directory;
  Settings settings;
  settings.run_dir = directory.path();
  const PolicyText old{"old.yml", file_policy("operation: [createExecutable]", "alert, block")};
  ASSERT_TRUE(save_policies_in_force(settings, {old}));

  std::filesystem::create_symlink("/dev/full", settings.run_dir + "/policies-in-force.json.new");
  const Status saved = save_policies_in_force(
      settings, {{"new.yml", file_policy("operation: [createExecutable]", "alert")}});
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, ENOSPC);

  const Result<LoadedPolicies> kept = load_policies_in_force(settings);
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(kept->texts, std::vector{old});
  EXPECT_EQ(kept->set->strongest_for({Operation::create_executable}), Action::block);
}

}  // namespace
}  // namespace holdfast::testing
