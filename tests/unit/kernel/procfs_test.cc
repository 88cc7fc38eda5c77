#include "kernel/procfs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "kernel/unique_fd.h"
#include "kernel/write_access.h"

namespace holdfast {
namespace {

TEST(ParseSyscall, NumberAndSixArguments) {
  const auto call = parse_syscall("257 0xffffff9c 0x7ffd 0x241 0x1b6 0x0 0xdead 0x7ffc 0x7f00\n");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->number, 257);
  EXPECT_EQ(call->args[0], 0xffffff9cU);
  EXPECT_EQ(call->args[2], 0x241U);
  EXPECT_EQ(call->args[5], 0xdeadU);
}

TEST(ParseSyscall, NothingForThreadsOutsideACallAndForForeignText) {
  for (const char* text :
       {"", "running\n", "-1 0x7ffc 0x7f00\n", "257", "257 0x1 0x2 0x3 0x4 0x5", "257 1 2 3 4 5 6",
        "257 0x 0x 0x 0x 0x 0x", "x 0x1 0x1 0x1 0x1 0x1 0x1"}) {
    EXPECT_FALSE(parse_syscall(text)) << text;
  }
}

TEST(ThreadGroup, OfThisThreadAndOfNobody) {
  EXPECT_EQ(thread_group_of(gettid()), getpid());
  EXPECT_EQ(thread_group_of(0), std::nullopt);
}

TEST(ReadSmallFile, ErrorNamesThePath) {
  const auto text = read_small_file("/nonexistent/file");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message(), "open /nonexistent/file: No such file or directory");
}

TEST(WriteAccess, SeesAnotherDescriptorsWriter) {
  char name[] = "/tmp/holdfast-lease-XXXXXX";
  UniqueFd writer(mkostemp(name, O_CLOEXEC));
  const UniqueFd reader(open(name, O_RDONLY | O_CLOEXEC));
  unlink(name);
  EXPECT_EQ(probe_write_access(reader.get()), WriteAccess::held);
  writer.reset();
  EXPECT_EQ(probe_write_access(reader.get()), WriteAccess::none);
  EXPECT_EQ(probe_write_access(-1), WriteAccess::unknown);
}

}  // namespace
}  // namespace holdfast
