#include "sensor/running_gate.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace holdfast {
namespace {

constexpr std::int64_t kHour = 3'600'000'000'000;  // ns

class RunningGate : public testing::Test {
 protected:
  std::optional<Act> judge(ProgramPlace place, std::optional<std::int64_t> created_ns = {},
                           bool file_mount = false) {
    return running_gate(program_, {place, file_mount}, "/mnt/x", content_, created_ns);
  }
  RunningProgram program_{file_stat(0755)};
  FakeContent content_;
};

TEST_F(RunningGate, TheHostsProgramsAreNoAct) { EXPECT_FALSE(judge(ProgramPlace::host)); }

TEST_F(RunningGate, OnTheRootTheContentDecides) {
  const auto act = judge(ProgramPlace::root);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::create_executable);
  EXPECT_EQ(act->mechanism, Mechanism::exec_watch);
  EXPECT_EQ(act->path, "/mnt/x");
  EXPECT_EQ(act->reason, "not part of the image");
  content_.judgement = {Judgement::Origin::drift, true, "its bytes differ"};
  EXPECT_EQ(judge(ProgramPlace::root)->operation, Operation::modify_executable);
  content_.judgement = {Judgement::Origin::image, true, ""};
  EXPECT_FALSE(judge(ProgramPlace::root));
  content_.judgement = {Judgement::Origin::undetermined, true, ""};
  EXPECT_TRUE(judge(ProgramPlace::root)->needs_comparison);
}

TEST_F(RunningGate, OnAVolumeWhatChangedSinceTheCreationIsDrift) {
  const std::int64_t changed = nanoseconds(program_.file.stx_ctime);
  EXPECT_FALSE(judge(ProgramPlace::volume, changed + kHour));
  EXPECT_FALSE(judge(ProgramPlace::volume));  // the creation is not known
  const auto act = judge(ProgramPlace::volume, changed - kHour);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->volume, Volume::mount);
  EXPECT_EQ(judge(ProgramPlace::volume, changed - kHour, true)->volume, Volume::file);
}

// What the root's content says of birth times means nothing there.
TEST_F(RunningGate, WhatTheContainerMountedIsDriftWhateverItsTimes) {
  content_.certain = true;
  content_.judgement = {Judgement::Origin::image, true, ""};
  for (const ProgramPlace place : {ProgramPlace::own_filesystem, ProgramPlace::unmounted}) {
    const auto act = judge(place, kNow + kHour);
    ASSERT_TRUE(act);
    EXPECT_EQ(act->operation, Operation::create_executable);
    EXPECT_FALSE(act->needs_comparison);
    EXPECT_EQ(act->volume, Volume::none);
  }
}

TEST_F(RunningGate, AMemoryFileIsAnOperationOfItsOwn) {
  const auto act = judge(ProgramPlace::memory);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::exec_memfd);
  EXPECT_EQ(act->mechanism, Mechanism::exec_watch);
}

}  // namespace
}  // namespace holdfast
