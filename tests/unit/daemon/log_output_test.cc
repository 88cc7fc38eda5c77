#include "daemon/log_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

struct Ends {
  UniqueFd reader;
  UniqueFd writer;
};

Ends make_pipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Ends make_socket() {
  std::array<int, 2> ends{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// Everything that is there now.
std::string drain(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  std::string text;
  std::array<char, 65536> buffer;
  ssize_t length;
  while ((length = read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(length));
  }
  fcntl(fd, F_SETFL, flags);
  return text;
}

// A write that waits would hang the test: the alarm ends it.
class LogOutput : public ::testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    alarm(10);
  }
  void TearDown() override { alarm(0); }
};

void drops_and_tells(const Ends& ends) {
  LineOutput output(ends.writer.get());
  const std::string line(LineOutput::kMostBytes - 1, 'x');  // fills a pipe's page
  int passed = 0;
  while (output.write(line)) ++passed;
  ASSERT_GT(passed, 0);
  EXPECT_FALSE(output.write(line));
  EXPECT_EQ(output.dropped(), 2U);
  drain(ends.reader.get());
  EXPECT_TRUE(output.write("after"));
  EXPECT_EQ(output.dropped(), 0U);
  const std::string told = drain(ends.reader.get());
  EXPECT_NE(told.find(" warning 2 log lines were dropped\nafter\n"), std::string::npos) << told;
  EXPECT_TRUE(output.write("again"));
  EXPECT_EQ(drain(ends.reader.get()), "again\n");
}

TEST_F(LogOutput, FullPipeDropsAndTells) { drops_and_tells(make_pipe()); }
TEST_F(LogOutput, FullStreamSocketDropsAndTells) { drops_and_tells(make_socket()); }

TEST_F(LogOutput, FullPipeWithoutNowait) {
  const Ends ends = make_pipe();
  const std::string line(LineOutput::kMostBytes, 'x');
  int passed = 0;
  while (write_when_ready(ends.writer.get(), line) > 0) ++passed;
  EXPECT_GT(passed, 0);
  EXPECT_EQ(errno, EAGAIN);
}

void only_drops(Ends ends) {
  ends.reader.reset();
  LineOutput output(ends.writer.get());
  EXPECT_FALSE(output.write("nobody"));
  EXPECT_FALSE(output.write("nobody"));
  EXPECT_EQ(output.dropped(), 2U);
}

TEST_F(LogOutput, ClosedReaderOfAPipe) { only_drops(make_pipe()); }
TEST_F(LogOutput, ClosedReaderOfASocket) { only_drops(make_socket()); }

TEST_F(LogOutput, ClosedDescriptorDropsOnly) {
  LineOutput output(-1);
  EXPECT_FALSE(output.write("nowhere"));
}

TEST_F(LogOutput, RegularFile) {
  char name[] = "/var/tmp/holdfast-log-XXXXXX";
  const UniqueFd file(mkostemp(name, O_CLOEXEC));
  unlink(name);
  LineOutput output(file.get());
  EXPECT_TRUE(output.write("one"));
  EXPECT_TRUE(output.write("two"));
  lseek(file.get(), 0, SEEK_SET);
  EXPECT_EQ(drain(file.get()), "one\ntwo\n");
}

TEST_F(LogOutput, ALineStaysOneLineAndIsCut) {
  const Ends ends = make_pipe();
  LineOutput output(ends.writer.get());
  EXPECT_TRUE(output.write("a\nb\x1b[31m\x7f\xff"));
  EXPECT_EQ(drain(ends.reader.get()), "a?b?[31m?\xff\n");
  EXPECT_TRUE(output.write(std::string(65536, 'y')));
  const std::string cut = drain(ends.reader.get());
  EXPECT_EQ(cut.size(), LineOutput::kMostBytes);
  EXPECT_TRUE(cut.ends_with("y...\n"));
}

TEST_F(LogOutput, BothWaysToLogLookTheSame) {
  const Ends ends = make_pipe();
  const UniqueFd saved(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  const auto before = spdlog::default_logger();
  dup2(ends.writer.get(), STDERR_FILENO);
  set_up_logging();
  spdlog::warn("same {}", 1);
  const std::string by_spdlog = drain(ends.reader.get());
  write_log_line("warning", "same 1");
  const std::string plain = drain(ends.reader.get());
  dup2(saved.get(), STDERR_FILENO);
  spdlog::set_default_logger(before);
  // Up to the minute, and after the time.
  EXPECT_EQ(by_spdlog.substr(0, 13), plain.substr(0, 13));
  ASSERT_GT(plain.size(), 23U);
  EXPECT_EQ(plain.substr(23), " warning same 1\n");
  EXPECT_EQ(by_spdlog.substr(23), plain.substr(23));
}

}  // namespace
}  // namespace holdfast
