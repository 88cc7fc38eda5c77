#include "kernel/proc_connector.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace holdfast {
namespace {

// As Linux 6.18 sends it: 16 bytes of netlink header, 20 of connector header, 40 of event.
std::string datagram(std::uint32_t what, std::uint32_t first, std::uint32_t second,
                     std::uint32_t ack = 0, std::uint16_t length = 40) {
  std::string bytes(76, '\0');
  const auto put = [&](std::size_t at, std::uint32_t value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  put(0, 76);
  put(16, 1);  // CN_IDX_PROC
  put(20, 1);  // CN_VAL_PROC
  put(28, ack);
  std::memcpy(bytes.data() + 32, &length, sizeof length);
  put(36, what);
  put(44, 1'000'000);  // lower half of the time
  put(52, first);
  put(56, second);
  return bytes;
}

TEST(ProcEvent, AnExecNamesItsProcess) {
  const auto event = parse_proc_event(datagram(2, 4712, 4711));
  ASSERT_TRUE(event);
  ASSERT_TRUE(std::holds_alternative<ExecEvent>(*event));
  EXPECT_EQ(std::get<ExecEvent>(*event).process, 4711);
  EXPECT_EQ(std::get<ExecEvent>(*event).time_ns, 1'000'000);
}

TEST(ProcEvent, AnAnswerNamesItsRequestAndError) {
  const auto event = parse_proc_event(datagram(0, EPERM, 0, 8));
  ASSERT_TRUE(event);
  ASSERT_TRUE(std::holds_alternative<SubscriptionAnswer>(*event));
  EXPECT_EQ(std::get<SubscriptionAnswer>(*event).request, 7U);
  EXPECT_EQ(std::get<SubscriptionAnswer>(*event).error, EPERM);
}

TEST(ProcEvent, OthersAndMalformedOnesAreNothing) {
  EXPECT_FALSE(parse_proc_event(datagram(1, 1, 2)));           // fork
  EXPECT_FALSE(parse_proc_event(datagram(0x80000000, 1, 2)));  // exit
  EXPECT_FALSE(parse_proc_event(datagram(2, 1, 0)));
  EXPECT_FALSE(parse_proc_event(datagram(2, 1, 0xffffffff)));
  EXPECT_FALSE(parse_proc_event(datagram(2, 1, 2, 0, 16)));  // an event without its data
  EXPECT_FALSE(parse_proc_event(datagram(2, 1, 2).substr(0, 59)));
  EXPECT_FALSE(parse_proc_event(""));
  std::string other = datagram(2, 1, 2);
  other[16] = 9;  // another connector
  EXPECT_FALSE(parse_proc_event(other));
}

// Needs CAP_NET_ADMIN and the host's namespaces; elsewhere the error has to say so.
TEST(ProcConnector, TellsOfAnExecOrWhyItCannot) {
  Result<ProcConnector> connector = ProcConnector::subscribe();
  if (!connector) {
    EXPECT_NE(connector.error().remedy, "") << connector.error().message();
    return;
  }
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    execl("/bin/true", "true", static_cast<char*>(nullptr));
    _exit(1);
  }
  waitpid(child, nullptr, 0);
  bool told = false;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!told && std::chrono::steady_clock::now() < end) {
    pollfd waiting{connector->fd(), POLLIN, 0};
    poll(&waiting, 1, 100);
    const ProcConnector::Events events = connector->read();
    told = std::any_of(events.executed.begin(), events.executed.end(),
                       [&](const ExecEvent& exec) { return exec.process == child; });
  }
  // The pid is another one outside of this pid namespace, but there the subscription fails.
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace holdfast
