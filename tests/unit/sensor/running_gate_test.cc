#include "sensor/running_gate.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace holdfast {
namespace {

class RunningGate : public testing::Test {
 protected:
  std::optional<Act> judge(ProgramPlace place, bool file_mount = false) {
    return running_gate(program_, {place, file_mount}, "/mnt/x", &content_);
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

TEST_F(RunningGate, OnAVolumeItsOwnContentDecides) {
  EXPECT_EQ(judge(ProgramPlace::volume)->volume, Volume::mount);
  EXPECT_EQ(judge(ProgramPlace::volume, true)->volume, Volume::file);
  content_.judgement = {Judgement::Origin::image, true, ""};
  EXPECT_FALSE(judge(ProgramPlace::volume));
  EXPECT_FALSE(running_gate(program_, {ProgramPlace::volume, false}, "/mnt/x", nullptr));
}

TEST_F(RunningGate, OfAnUnknownFilesystemOfTheContainersNothingIsTheImages) {
  for (const ProgramPlace place : {ProgramPlace::own_filesystem, ProgramPlace::unmounted}) {
    const auto act = running_gate(program_, {place, false}, "/mnt/x", nullptr);
    ASSERT_TRUE(act);
    EXPECT_EQ(act->operation, Operation::create_executable);
    EXPECT_FALSE(act->needs_comparison);
    EXPECT_EQ(act->volume, Volume::none);
  }
  content_.judgement = {Judgement::Origin::undetermined, true, ""};
  EXPECT_TRUE(judge(ProgramPlace::own_filesystem)->needs_comparison) << "a runtime's copy, maybe";
}

TEST_F(RunningGate, TheContentIsThatOfThePlace) {
  const auto root = std::make_shared<FakeContent>();
  const auto disk = std::make_shared<FakeContent>();
  const auto elsewhere = std::make_shared<FakeContent>();
  program_.file.stx_dev_minor = 2;
  const Places places({.device = 1, .content = root, .overlay = true},
                      {{.device = device_of(program_.file), .content = disk}}, elsewhere);
  EXPECT_EQ(content_of({ProgramPlace::root, false}, program_, "/mnt/x", places), root);
  EXPECT_EQ(content_of({ProgramPlace::volume, false}, program_, "/mnt/x", places), disk);
  program_.file.stx_dev_minor = 3;
  EXPECT_EQ(content_of({ProgramPlace::volume, false}, program_, "/mnt/x", places), elsewhere);
  EXPECT_EQ(content_of({ProgramPlace::own_filesystem, false}, program_, "/mnt/x", places), nullptr);
  EXPECT_EQ(content_of({ProgramPlace::memory, false}, program_, "/mnt/x", places), nullptr);
}

TEST_F(RunningGate, AMemoryFileIsAnOperationOfItsOwn) {
  const auto act = judge(ProgramPlace::memory);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::exec_memfd);
  EXPECT_EQ(act->mechanism, Mechanism::exec_watch);
}

TEST_F(RunningGate, AnExecutableThatIsHeldForWriting) {
  const HeldFile held{program_, false};
  const auto act = held_gate(held, {ProgramPlace::root, false}, "/x", &content_);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::create_executable);
  EXPECT_EQ(act->mechanism, Mechanism::change_watch) << "nothing was executed";
  EXPECT_EQ(act->reason, "was open for writing before the container was watched");
  EXPECT_EQ(held_gate({program_, true}, {ProgramPlace::volume, true}, "/x", nullptr)->volume,
            Volume::file);
  for (const ProgramPlace place : {ProgramPlace::host, ProgramPlace::memory})
    EXPECT_FALSE(held_gate(held, {place, false}, "/x", &content_));

  program_.file.stx_mode = S_IFREG | 0644;
  EXPECT_FALSE(held_gate({program_, false}, {ProgramPlace::root, false}, "/x", &content_));
  content_.lower = {true, true};
  EXPECT_EQ(held_gate({program_, false}, {ProgramPlace::root, false}, "/x", &content_)->operation,
            Operation::modify_executable);
}

}  // namespace
}  // namespace holdfast
