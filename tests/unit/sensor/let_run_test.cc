#include "sensor/let_run.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace holdfast {
namespace {

constexpr std::int64_t kLater = 2'000'000'000;  // than an exec takes

Found heard(std::int64_t executed_ns) {
  return {.executed_ns = executed_ns, .looked_ns = executed_ns + 2};
}
Found scanned(std::int64_t looked_ns) { return {.executed_ns = {}, .looked_ns = looked_ns}; }

TEST(LetRun, TheFirstToSeeAnActTellsOfIt) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.seen_by_gate(41, file));
  EXPECT_FALSE(runs.seen_by_watch(41, file, heard(10)));
  EXPECT_TRUE(runs.seen_by_watch(41, file, heard(20)));  // it ran it again, and the watch was first
  EXPECT_FALSE(runs.seen_by_gate(41, file));
}

TEST(LetRun, AloneEachTellsOfEveryAct) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(runs.seen_by_gate(1, file));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(runs.seen_by_watch(2, file, heard(i * kLater)));
}

TEST(LetRun, OtherFilesAndProcessesAreOtherActs) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  FileStat other_inode = file;
  other_inode.stx_ino = 8;
  FileStat other_device = file;
  other_device.stx_dev_minor = 9;
  EXPECT_TRUE(runs.seen_by_gate(41, file));
  EXPECT_TRUE(runs.seen_by_watch(42, file, heard(10)));
  EXPECT_TRUE(runs.seen_by_watch(41, other_inode, heard(10)));
  EXPECT_TRUE(runs.seen_by_watch(41, other_device, heard(10)));
}

TEST(LetRun, WhatIsFoundLaterIsToldOfOnce) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.seen_by_watch(41, file, scanned(5)));
  EXPECT_FALSE(runs.seen_by_watch(41, file, scanned(5)));
  EXPECT_FALSE(runs.seen_by_gate(41, file));  // the gate's event came late
  EXPECT_TRUE(runs.seen_by_gate(43, file));
  EXPECT_FALSE(runs.seen_by_watch(43, file, scanned(5)));
}

TEST(LetRun, AScanMayBeFasterThanTheNewsOfTheExec) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.seen_by_watch(41, file, scanned(20)));
  EXPECT_FALSE(runs.seen_by_watch(41, file, heard(19)));
  EXPECT_TRUE(runs.seen_by_watch(41, file, heard(21)));  // it ran it again
}

// /proc shows the program before the exec ends, and the event tells of the end.
TEST(LetRun, AScanMayFindAnExecThatHasNotEnded) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.seen_by_watch(41, file, scanned(20)));
  EXPECT_FALSE(runs.seen_by_watch(41, file, heard(21)));
  EXPECT_TRUE(runs.seen_by_watch(41, file, heard(22)));  // it ran it again

  EXPECT_TRUE(runs.seen_by_watch(42, file, scanned(20)));
  EXPECT_TRUE(runs.seen_by_watch(42, file, heard(kLater)));  // too late to be that exec
}

// The look that the exec of an image's program led to finds what the process ran next.
TEST(LetRun, ALateLookMayMeetTheNextRun) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.seen_by_watch(41, file, {.executed_ns = 10, .looked_ns = 30}));
  EXPECT_FALSE(runs.seen_by_watch(41, file, {.executed_ns = 29, .looked_ns = 40}));
  EXPECT_TRUE(runs.seen_by_watch(41, file, heard(41)));
  EXPECT_FALSE(runs.seen_by_watch(41, file, heard(50))) << "the exec was not at its end";
  EXPECT_TRUE(runs.seen_by_watch(41, file, heard(51)));
}

TEST(LetRun, AKilledProcessDoesNotSpareTheNextOfItsNumber) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.seen_by_watch(41, file, heard(10)));
  runs.forget(41, file);
  EXPECT_TRUE(runs.seen_by_watch(41, file, scanned(5)));
}

TEST(LetRun, OnlyTheLatestAreKept) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  for (pid_t pid = 1; pid <= 2000; ++pid) EXPECT_TRUE(runs.seen_by_gate(pid, file));
  EXPECT_TRUE(runs.seen_by_watch(1, file, heard(10)));      // forgotten
  EXPECT_FALSE(runs.seen_by_watch(2000, file, heard(10)));  // not forgotten
}

}  // namespace
}  // namespace holdfast
