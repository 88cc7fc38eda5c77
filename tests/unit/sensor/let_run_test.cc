#include "sensor/let_run.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace holdfast {
namespace {

TEST(LetRun, TheFirstToSeeAnActTellsOfIt) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.seen_by_gate(41, file));
  EXPECT_FALSE(runs.seen_by_watch(41, file, 10));
  EXPECT_TRUE(runs.seen_by_watch(41, file, 10));  // it ran it again, and the watch was first
  EXPECT_FALSE(runs.seen_by_gate(41, file));
}

TEST(LetRun, AloneEachTellsOfEveryAct) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(runs.seen_by_gate(1, file));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(runs.seen_by_watch(2, file, 10));
}

TEST(LetRun, OtherFilesAndProcessesAreOtherActs) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  FileStat other_inode = file;
  other_inode.stx_ino = 8;
  FileStat other_device = file;
  other_device.stx_dev_minor = 9;
  EXPECT_TRUE(runs.seen_by_gate(41, file));
  EXPECT_TRUE(runs.seen_by_watch(42, file, 10));
  EXPECT_TRUE(runs.seen_by_watch(41, other_inode, 10));
  EXPECT_TRUE(runs.seen_by_watch(41, other_device, 10));
}

TEST(LetRun, WhatIsFoundLaterIsToldOfOnce) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.found_later(41, file, 5));
  EXPECT_FALSE(runs.found_later(41, file, 5));
  EXPECT_FALSE(runs.seen_by_gate(41, file));  // the gate's event came late
  EXPECT_TRUE(runs.seen_by_gate(43, file));
  EXPECT_FALSE(runs.found_later(43, file, 5));
}

TEST(LetRun, AScanMayBeFasterThanTheNewsOfTheExec) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.found_later(41, file, 20));
  EXPECT_FALSE(runs.seen_by_watch(41, file, 19));
  EXPECT_TRUE(runs.seen_by_watch(41, file, 21));  // it ran it again
}

// /proc shows the program before the exec ends, and the event tells of the end.
TEST(LetRun, AScanMayFindAnExecThatHasNotEnded) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.found_later(41, file, 20));
  EXPECT_FALSE(runs.seen_by_watch(41, file, 21));
  EXPECT_TRUE(runs.seen_by_watch(41, file, 22));  // it ran it again

  EXPECT_TRUE(runs.found_later(42, file, 20));
  EXPECT_TRUE(runs.seen_by_watch(42, file, 2'000'000'020));  // too late to be that exec
}

TEST(LetRun, AKilledProcessDoesNotSpareTheNextOfItsNumber) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  EXPECT_TRUE(runs.seen_by_watch(41, file, 10));
  runs.forget(41, file);
  EXPECT_TRUE(runs.found_later(41, file, 5));
}

TEST(LetRun, OnlyTheLatestAreKept) {
  LetRun runs;
  const FileStat file = file_stat(0755);
  for (pid_t pid = 1; pid <= 2000; ++pid) EXPECT_TRUE(runs.seen_by_gate(pid, file));
  EXPECT_TRUE(runs.seen_by_watch(1, file, 10));      // forgotten
  EXPECT_FALSE(runs.seen_by_watch(2000, file, 10));  // not forgotten
}

}  // namespace
}  // namespace holdfast
