#include "kernel/pending_permission.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "fake_group.h"

namespace holdfast {
namespace {

class PendingPermissionTest : public testing::Test {
 protected:
  PendingPermission pending(FailMode mode) {
    UniqueFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
    number_ = file.get();
    return PendingPermission(group_, {std::move(file), FAN_OPEN_PERM, 1, {}}, mode, &undecided_);
  }
  std::vector<bool> answers() const {
    const auto found = group_->answers.find(number_);
    return found == group_->answers.end() ? std::vector<bool>{} : found->second;
  }

  std::shared_ptr<FakeGroup> group_ = std::make_shared<FakeGroup>();
  std::atomic<std::uint64_t> undecided_{0};
  int number_ = -1;
};

TEST_F(PendingPermissionTest, OnlyTheFirstAnswerCounts) {
  {
    PendingPermission event = pending(FailMode::allow);
    event.deny();
    event.allow();
  }
  EXPECT_EQ(answers(), std::vector<bool>{false});
  EXPECT_EQ(undecided_, 0U);
}

TEST_F(PendingPermissionTest, UndecidedIsAnsweredByTheFailModeAndCounted) {
  { PendingPermission event = pending(FailMode::allow); }
  EXPECT_EQ(answers(), std::vector<bool>{true});
  { PendingPermission event = pending(FailMode::deny); }
  EXPECT_EQ(answers().back(), false);
  EXPECT_EQ(undecided_, 2U);
}

TEST_F(PendingPermissionTest, AMoveLeavesOneAnswer) {
  {
    PendingPermission event = pending(FailMode::deny);
    PendingPermission moved = std::move(event);
    moved.allow();
  }
  EXPECT_EQ(answers(), std::vector<bool>{true});
}

TEST_F(PendingPermissionTest, AssigningOverAnUndecidedEventAnswersIt) {
  PendingPermission first = pending(FailMode::deny);
  const int first_number = number_;
  PendingPermission second = pending(FailMode::allow);
  first = std::move(second);
  EXPECT_EQ(group_->answers[first_number], std::vector<bool>{false});
  EXPECT_TRUE(answers().empty()) << "the assigned event still waits";
  first.allow();
  EXPECT_EQ(answers(), std::vector<bool>{true});
}

TEST_F(PendingPermissionTest, ARefusedAnswerIsRepeatedAsItWas) {
  group_->refuse_with = EINVAL;
  pending(FailMode::allow).deny();
  EXPECT_EQ(group_->attempts, 2);
  EXPECT_EQ(answers(), std::vector<bool>{false});
}

TEST_F(PendingPermissionTest, AnOpenerKilledMeanwhileIsNoError) {
  group_->refuse_with = ENOENT;
  pending(FailMode::allow).deny();
  EXPECT_EQ(group_->attempts, 1);
}

}  // namespace
}  // namespace holdfast
