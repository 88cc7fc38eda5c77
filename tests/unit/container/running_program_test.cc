#include "container/running_program.h"

#include "running_child.h"

namespace holdfast {
namespace {

constexpr const char* kSleep = "/bin/sleep";

TEST(RunningProgram, AFileOfAFilesystem) {
  const RunningChild child(kSleep);
  const auto program = running_program(child.pid());
  ASSERT_TRUE(program);
  EXPECT_EQ(program->file.stx_ino, stat_of_path(kSleep)->stx_ino);
  EXPECT_TRUE(program->path.ends_with("/bin/sleep"));
  EXPECT_GT(program->mount_id, 0);
  EXPECT_FALSE(program->memory);
}

TEST(RunningProgram, AMemoryFile) {
  const RunningChild child(kSleep, "some name", RunningChild::Seal::no);
  const auto program = running_program(child.pid());
  ASSERT_TRUE(program);
  EXPECT_TRUE(program->memory);
  EXPECT_EQ(program->path, "/memfd:some name (deleted)");
  EXPECT_EQ(find_place(child.pid(), *program, 0, "/proc/self/mountinfo", NoIds()).place,
            ProgramPlace::memory);
}

TEST(RunningProgram, NoneOfAProcessThatIsGone) { EXPECT_FALSE(running_program(0)); }

TEST(ProgramPlace, WhatTheHostHasMountedIsTheHosts) {
  const RunningChild child(kSleep);
  const auto program = running_program(child.pid());
  ASSERT_TRUE(program);
  EXPECT_EQ(find_place(child.pid(), *program, 0, "/proc/self/mountinfo", NoIds()).place,
            ProgramPlace::host);
  // Where the host's mounts lack it: a process that no container owns has it.
  EXPECT_EQ(find_place(child.pid(), *program, 0, "/dev/null", NoIds()).place, ProgramPlace::host);
}

TEST(ProgramPlace, AMountOfTheContainersIsToldByItsDevice) {
  Mount mount;
  mount.device = 7;
  EXPECT_EQ(place_on(mount, 7, {8}), ProgramPlace::root);
  EXPECT_EQ(place_on(mount, 8, {7}), ProgramPlace::volume);
  EXPECT_EQ(place_on(mount, 8, {8}), ProgramPlace::own_filesystem);
}

TEST(ProgramPlace, OfAMountThatNobodyHasTheDeviceDecides) {
  RunningProgram program;
  program.mount_id = 0x7fffffff;
  program.file.stx_dev_minor = 9;
  EXPECT_EQ(find_place(getpid(), program, 9, "/dev/null", NoIds()).place, ProgramPlace::root);
  EXPECT_EQ(find_place(getpid(), program, 10, "/dev/null", NoIds()).place, ProgramPlace::unmounted);
}

TEST(ProgramPlace, TheNearestAncestorOfTheHost) {
  EXPECT_EQ(host_ancestor(getpid(), NoIds()), getppid() > 1 ? getppid() : 0);
  EXPECT_EQ(host_ancestor(getpid(), NoIds(), 0), 0);
}

TEST(MountId, IsReadFromFdinfo) {
  EXPECT_EQ(parse_mount_id("pos:\t0\nflags:\t012000000\nmnt_id:\t33\nino:\t77\n"), 33);
  EXPECT_EQ(parse_mount_id("pos:\t0\n"), -1);
  EXPECT_EQ(parse_mount_id("mnt_id:\tx\n"), -1);
  EXPECT_EQ(parse_mount_id(""), -1);
}

}  // namespace
}  // namespace holdfast
