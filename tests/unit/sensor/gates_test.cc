#include "sensor/gates.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "fakes.h"
#include "kernel/unique_fd.h"
#include "sensor/write_intent.h"

namespace holdfast {
namespace {

using Origin = Judgement::Origin;

TEST(ClassifyOpen, OnlyRegisterArgumentsAreBelieved) {
  EXPECT_EQ(classify_open(openat_call(O_RDONLY | O_CLOEXEC)), OpenKind::reads);
  EXPECT_EQ(classify_open(openat_call(O_WRONLY)), OpenKind::writes);
  EXPECT_EQ(classify_open(openat_call(O_RDWR | O_CREAT)), OpenKind::writes);
  EXPECT_EQ(classify_open(openat_call(O_RDONLY | O_TRUNC)), OpenKind::truncates);
  EXPECT_EQ(classify_open(BlockedSyscall{SYS_execve, {}}), OpenKind::reads);
  EXPECT_EQ(classify_open(BlockedSyscall{SYS_execveat, {}}), OpenKind::reads);
  EXPECT_EQ(classify_open(BlockedSyscall{SYS_openat2, {}}), OpenKind::unclear);
  EXPECT_EQ(classify_open(BlockedSyscall{SYS_io_uring_enter, {}}), OpenKind::unclear);
  EXPECT_EQ(classify_open(BlockedSyscall{SYS_openat | 0x40000000, {}}), OpenKind::unclear) << "x32";
  EXPECT_EQ(classify_open(std::nullopt), OpenKind::unclear);
}

struct IntentCase {
  WriteAccess access;
  std::optional<BlockedSyscall> call;
  bool write;
};

TEST(WriteIntent, LeaseFirstThenTheCall) {
  const BlockedSyscall ring{SYS_io_uring_enter, {}};
  const IntentCase cases[] = {
      {WriteAccess::none, openat_call(O_RDONLY), false},
      {WriteAccess::none, openat_call(O_RDONLY | O_TRUNC), true},
      {WriteAccess::none, ring, false},
      {WriteAccess::none, std::nullopt, false},
      {WriteAccess::held, openat_call(O_RDONLY), false},
      {WriteAccess::held, openat_call(O_RDWR), true},
      {WriteAccess::held, ring, true},
      {WriteAccess::held, std::nullopt, true},
      {WriteAccess::unknown, openat_call(O_RDONLY), false},
      {WriteAccess::unknown, openat_call(O_WRONLY), true},
      {WriteAccess::unknown, std::nullopt, true},
  };
  for (const IntentCase& c : cases) {
    EXPECT_EQ(has_write_intent(c.access, classify_open(c.call)), c.write)
        << static_cast<int>(c.access) << " " << (c.call ? c.call->number : -1);
  }
}

TEST(OpenGate, AReaderOfAPlainFileIsDoneWithoutAskingForItsCall) {
  FakeFacts facts;
  FakeContent content;
  facts.stat = file_stat(0644);
  EXPECT_FALSE(open_gate(facts, content, {}, kNow));
  EXPECT_EQ(facts.syscalls_asked, 0);
}

TEST(OpenGate, AWriterOfAnExecutableIsAnAct) {
  FakeFacts facts;
  FakeContent content;
  facts.access = WriteAccess::held;
  facts.call = openat_call(O_WRONLY);
  content.lower = {true, true};
  const auto act = open_gate(facts, content, {}, kNow);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::modify_executable);
  EXPECT_EQ(act->path, "/app/tool");
  EXPECT_FALSE(act->created_now);
}

TEST(OpenGate, WhatHadAnExecuteBitInTheImageIsStillExecutable) {
  FakeFacts facts;
  FakeContent content;
  facts.stat = file_stat(0644);
  facts.access = WriteAccess::held;
  facts.call = openat_call(O_WRONLY);
  EXPECT_FALSE(open_gate(facts, content, {}, kNow)) << "a plain file may be written";
  content.lower = {true, false};
  EXPECT_FALSE(open_gate(facts, content, {}, kNow)) << "plain in the image too";
  content.lower = {true, true};
  EXPECT_TRUE(open_gate(facts, content, {}, kNow));
  content.lower = {};
  content.let_run = true;
  EXPECT_TRUE(open_gate(facts, content, {}, kNow)) << "a copy that was let run";
}

TEST(OpenGate, ANewEmptyExecutableIsACreation) {
  FakeFacts facts;
  FakeContent content;
  facts.stat = file_stat(0755, 0, 1'000'000);
  facts.access = WriteAccess::held;
  facts.call = openat_call(O_WRONLY | O_CREAT);
  const auto act = open_gate(facts, content, {}, kNow);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::create_executable);
  EXPECT_TRUE(act->created_now);
}

TEST(OpenGate, OnlyWhatTheOpenJustCreatedIsALeftover) {
  FakeContent content;
  const auto created_now = [&](const FileStat& file) {
    FakeFacts facts;
    facts.stat = file;
    facts.access = WriteAccess::held;
    const auto act = open_gate(facts, content, {}, kNow);
    EXPECT_TRUE(act);
    return act && act->created_now;
  };
  EXPECT_TRUE(created_now(file_stat(0755, 0, 1'000'000)));
  EXPECT_FALSE(created_now(file_stat(0755, 1, 1'000'000))) << "not empty";
  EXPECT_FALSE(created_now(file_stat(0755, 0, 6'000'000'000))) << "old";
  FileStat changed = file_stat(0755, 0, 2'000'000'000);
  changed.stx_ctime.tv_sec += 1;
  EXPECT_FALSE(created_now(changed)) << "chmod after its birth";
  content.lower = {true, true};
  EXPECT_FALSE(created_now(file_stat(0755, 0, 1'000'000))) << "the image has a file there";
  content.lower = {};
  content.certain = true;
  EXPECT_FALSE(created_now(file_stat(0755, 0, 1'000'000))) << "the image's own empty file";
}

TEST(OpenGate, DriftedCodeIsNotRead) {
  FakeFacts facts;
  FakeContent content;
  facts.stat = file_stat(0644);
  facts.code = Loadable::yes;
  facts.call = openat_call(O_RDONLY);
  auto act = open_gate(facts, content, {}, kNow);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::create_executable);
  EXPECT_EQ(act->mechanism, Mechanism::open_gate);
  EXPECT_FALSE(act->needs_comparison);
  facts.stat = file_stat(0755);
  EXPECT_TRUE(open_gate(facts, content, {}, kNow)) << "its mode does not matter";
  facts.call = BlockedSyscall{SYS_execve, {}};
  EXPECT_FALSE(open_gate(facts, content, {}, kNow)) << "the exec gate has decided";
  facts.call = openat_call(O_RDONLY);
  EXPECT_FALSE(open_gate(facts, content, {.elf = false}, kNow));
  content.certain = true;
  EXPECT_FALSE(open_gate(facts, content, {}, kNow)) << "the image's own";
  content.certain = false;
  content.judgement = {Origin::image, true, ""};
  EXPECT_FALSE(open_gate(facts, content, {}, kNow));
}

TEST(OpenGate, CodeThatMayBeACopyOfTheImagesIsCompared) {
  FakeFacts facts;
  FakeContent content;
  facts.stat = file_stat(0644);
  facts.code = Loadable::yes;
  facts.call = openat_call(O_RDONLY);
  content.judgement = {Origin::undetermined, true, ""};
  auto act = open_gate(facts, content, {}, kNow);
  ASSERT_TRUE(act);
  EXPECT_TRUE(act->needs_comparison);
  EXPECT_EQ(act->operation, Operation::modify_executable);
  facts.access = WriteAccess::held;
  EXPECT_FALSE(open_gate(facts, content, {}, kNow)->needs_comparison)
      << "somebody can still change it";
}

TEST(OpenGate, WhatIsNotInMemoryIsReadByAnother) {
  FakeFacts facts;
  FakeContent content;
  facts.stat = file_stat(0644);
  facts.code = Loadable::not_read;
  facts.call = openat_call(O_RDONLY);
  const auto act = open_gate(facts, content, {}, kNow);
  ASSERT_TRUE(act);
  EXPECT_TRUE(act->needs_comparison);
  EXPECT_TRUE(act->code_unread);
}

TEST(OpenGate, DriftedCodeIsNotWritten) {
  FakeFacts facts;
  FakeContent content;
  facts.stat = file_stat(0644);
  facts.access = WriteAccess::held;
  facts.call = openat_call(O_WRONLY);
  EXPECT_FALSE(open_gate(facts, content, {}, kNow));
  facts.code = Loadable::yes;
  const auto act = open_gate(facts, content, {}, kNow);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::modify_executable);
}

TEST(OpenGate, WhereAllFilesShowExecuteBitsOnlyContentCounts) {
  FakeFacts facts;
  FakeContent content;
  facts.access = WriteAccess::held;
  facts.call = openat_call(O_WRONLY);
  EXPECT_FALSE(open_gate(facts, content, {.execute_bits = false}, kNow));
  facts.code = Loadable::yes;
  EXPECT_TRUE(open_gate(facts, content, {.execute_bits = false}, kNow));
}

TEST(OpenGate, OtherThanRegularFilesAreNoAct) {
  FakeFacts facts;
  FakeContent content;
  facts.access = WriteAccess::held;
  facts.stat->stx_mode = S_IFCHR | 0777;
  EXPECT_FALSE(open_gate(facts, content, {}, kNow));
  facts.stat.reset();
  EXPECT_FALSE(open_gate(facts, content, {}, kNow));
}

TEST(ExecGate, ImageContentRuns) {
  FakeFacts facts;
  FakeContent content;
  content.certain = true;
  EXPECT_FALSE(exec_gate(facts, content));
  content.certain = false;
  content.judgement = {Origin::image, true, ""};
  EXPECT_FALSE(exec_gate(facts, content));
}

TEST(ExecGate, DriftIsNamedByWhetherTheImageHadAFileThere) {
  FakeFacts facts;
  FakeContent content;
  EXPECT_EQ(exec_gate(facts, content)->operation, Operation::create_executable);
  content.judgement = {Origin::drift, true, "its size differs"};
  const auto act = exec_gate(facts, content);
  EXPECT_EQ(act->operation, Operation::modify_executable);
  EXPECT_EQ(act->reason, "its size differs");
  facts.name.reset();
  EXPECT_TRUE(exec_gate(facts, content)) << "a file without a path is still drift";
}

TEST(ExecGate, BytesThatCanStillChangeAreNotCompared) {
  FakeFacts facts;
  FakeContent content;
  content.judgement = {Origin::undetermined, true, ""};
  EXPECT_TRUE(exec_gate(facts, content)->needs_comparison);
  facts.access = WriteAccess::held;
  EXPECT_FALSE(exec_gate(facts, content)->needs_comparison);
  facts.access = WriteAccess::unknown;
  EXPECT_FALSE(exec_gate(facts, content)->needs_comparison);
}

TEST(CompareGate, EqualBytesRunOthersAreDrift) {
  FakeContent content;
  Act act;
  act.needs_comparison = true;
  EXPECT_FALSE(compare_gate(act, -1, content));
  content.compared = {Origin::drift, true, "its bytes differ"};
  const auto drift = compare_gate(act, -1, content);
  ASSERT_TRUE(drift);
  EXPECT_EQ(drift->reason, "its bytes differ");
}

TEST(CompareGate, AFileThatTurnsOutToBeDataIsNoAct) {
  FakeContent content;
  Act act;
  act.needs_comparison = act.code_unread = true;
  const UniqueFd text(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(compare_gate(act, text.get(), content));
  const UniqueFd code(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(compare_gate(act, code.get(), content));
}

TEST(CompareGate, WhatWasComparedMeanwhileIsNotReadAgain) {
  const UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  FakeContent content;
  content.judgement = {Origin::image, true, ""};
  content.compared = {Origin::drift, true, "read again"};
  EXPECT_FALSE(compare_gate(Act{}, file.get(), content));
  content.judgement = {Origin::undetermined, true, ""};
  EXPECT_TRUE(compare_gate(Act{}, file.get(), content));
}

TEST(CodeGate, DriftedCodeIsToldOf) {
  FakeFacts facts;
  FakeContent content;
  facts.stat = file_stat(0644);
  EXPECT_FALSE(code_gate(facts, content, {}));
  facts.code = Loadable::yes;
  EXPECT_EQ(code_gate(facts, content, {})->operation, Operation::create_executable);
  EXPECT_FALSE(code_gate(facts, content, {.elf = false}));
  content.certain = true;
  EXPECT_FALSE(code_gate(facts, content, {}));
}

TEST(ChangeWatch, ReportsWrittenExecutables) {
  FakeFacts facts;
  FakeContent content;
  EXPECT_EQ(change_watch(facts, content, true)->operation, Operation::create_executable);
  content.lower = {true, true};
  EXPECT_EQ(change_watch(facts, content, true)->operation, Operation::modify_executable);
  facts.stat = file_stat(0644);
  EXPECT_TRUE(change_watch(facts, content, true)) << "executable in the image";
  content.lower = {true, false};
  EXPECT_FALSE(change_watch(facts, content, true));
  facts.stat = file_stat(0755);
  facts.name = "/tmp/#430 (deleted)";
  EXPECT_FALSE(change_watch(facts, content, true)) << "linked under another name";
  EXPECT_TRUE(change_watch(facts, content, false)) << "by nobody else";
  facts.name = "/tmp/x";
  facts.stat->stx_nlink = 0;
  EXPECT_TRUE(change_watch(facts, content, true)) << "unlinked: it ran, or could have";
}

}  // namespace
}  // namespace holdfast
