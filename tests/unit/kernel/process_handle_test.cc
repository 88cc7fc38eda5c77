#include "kernel/process_handle.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace holdfast {
namespace {

TEST(ProcessHandle, ReachesTheProcessAndNothingAfterItsEnd) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    pause();
    _exit(0);
  }
  const ProcessHandle handle(child);
  EXPECT_EQ(handle.pid(), child);
  EXPECT_TRUE(handle.signal(SIGKILL).ok());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  const Status late = handle.signal(SIGKILL);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ESRCH);
  EXPECT_EQ(ProcessHandle(child).signal(SIGKILL).error().code, ESRCH);
}

}  // namespace
}  // namespace holdfast
