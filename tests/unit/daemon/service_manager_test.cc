#include "daemon/service_manager.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <optional>

namespace holdfast {
namespace {

using std::chrono::milliseconds;
using ::testing::IsEmpty;

constexpr std::array kVariables = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                   "LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES"};

std::string own_pid() { return std::to_string(getpid()); }

struct Received {
  std::string text;
  UniqueFd fd;
};

// The manager's socket.
class FakeManager {
 public:
  explicit FakeManager(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path);
    const bool abstract = name[0] == '@';
    if (abstract) address.sun_path[0] = '\0';
    const std::size_t length = offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1);
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(length)),
              0);
  }

  std::optional<Received> receive() {
    std::array<char, 512> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) return std::nullopt;
    Received received;
    received.text.assign(text.data(), static_cast<std::size_t>(length));
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      received.fd.reset(fd);
    }
    return received;
  }

 private:
  UniqueFd fd_;
};

class ServiceManagerTest : public ::testing::Test {
 protected:
  ServiceManagerTest() {
    for (const char* name : kVariables) unsetenv(name);
    std::string pattern = testing::TempDir() + "holdfast-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  ~ServiceManagerTest() override {
    for (const char* name : kVariables) unsetenv(name);
    std::filesystem::remove_all(directory_);
  }

  std::string path() const { return directory_ + "/notify"; }

  static ServiceManager with(const char* variable, const std::string& value) {
    setenv(variable, value.c_str(), 1);
    return ServiceManager::from_environment();
  }

  std::string directory_;
};

TEST_F(ServiceManagerTest, WithoutOneNothingIsSentAndNothingFails) {
  const ServiceManager manager = ServiceManager::from_environment();
  EXPECT_FALSE(manager.present());
  EXPECT_EQ(manager.socket(), -1);
  EXPECT_EQ(manager.watchdog(), milliseconds(0));
  EXPECT_FALSE(manager.notify("READY=1"));
  EXPECT_FALSE(manager.store(0, "a"));
  EXPECT_FALSE(manager.remove("a"));
}

TEST_F(ServiceManagerTest, StatesReachASocketByPath) {
  FakeManager fake(path());
  const ServiceManager manager = with("NOTIFY_SOCKET", path());
  ASSERT_TRUE(manager.present());
  EXPECT_TRUE(manager.notify("READY=1"));
  EXPECT_TRUE(manager.notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=1000"));
  EXPECT_EQ(fake.receive()->text, "READY=1");
  EXPECT_EQ(fake.receive()->text, "STOPPING=1\nEXTEND_TIMEOUT_USEC=1000");
}

TEST_F(ServiceManagerTest, StatesReachAnAbstractSocket) {
  const std::string name = "@holdfast-test-" + own_pid();
  FakeManager fake(name);
  const ServiceManager manager = with("NOTIFY_SOCKET", name);
  EXPECT_TRUE(manager.notify("WATCHDOG=1"));
  EXPECT_EQ(fake.receive()->text, "WATCHDOG=1");
}

TEST_F(ServiceManagerTest, ChildrenInheritNeitherVariablesNorSocket) {
  setenv("WATCHDOG_USEC", "4000000", 1);
  setenv("WATCHDOG_PID", own_pid().c_str(), 1);
  const ServiceManager manager = with("NOTIFY_SOCKET", path());
  for (const char* name : kVariables) EXPECT_EQ(getenv(name), nullptr) << name;
  EXPECT_NE(fcntl(manager.socket(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(fcntl(manager.socket(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(ServiceManagerTest, AStoredDescriptorIsPassedUnderItsName) {
  FakeManager fake(path());
  const ServiceManager manager = with("NOTIFY_SOCKET", path());
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  ASSERT_TRUE(manager.store(writing.get(), "fanotify-0123"));

  const std::optional<Received> received = fake.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->text, "FDSTORE=1\nFDNAME=fanotify-0123\nFDPOLL=0");
  ASSERT_TRUE(received->fd.valid());
  char byte = 0;
  EXPECT_EQ(write(received->fd.get(), "x", 1), 1);
  EXPECT_EQ(read(reading.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
}

TEST_F(ServiceManagerTest, ADescriptorIsRemovedByName) {
  FakeManager fake(path());
  const ServiceManager manager = with("NOTIFY_SOCKET", path());
  EXPECT_TRUE(manager.remove("fanotify-0123"));
  const std::optional<Received> received = fake.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->text, "FDSTOREREMOVE=1\nFDNAME=fanotify-0123");
  EXPECT_FALSE(received->fd.valid());
}

TEST_F(ServiceManagerTest, NamesTheManagerWouldNotKeepAreRefused) {
  FakeManager fake(path());
  const ServiceManager manager = with("NOTIFY_SOCKET", path());
  const std::string longest(255, 'n');
  EXPECT_TRUE(manager.store(0, longest.c_str()));
  EXPECT_EQ(fake.receive()->text, "FDSTORE=1\nFDNAME=" + longest + "\nFDPOLL=0");
  for (const std::string& name : {std::string(), longest + "n", std::string("a:b"),
                                  std::string("a\nREADY=1"), std::string("\xc3\xa9")}) {
    EXPECT_FALSE(manager.store(0, name.c_str())) << name;
    EXPECT_FALSE(manager.remove(name.c_str())) << name;
  }
  EXPECT_FALSE(fake.receive());
}

TEST_F(ServiceManagerTest, AClosedDescriptorIsNotTaken) {
  FakeManager fake(path());
  const ServiceManager manager = with("NOTIFY_SOCKET", path());
  EXPECT_FALSE(manager.store(1 << 20, "a"));
  EXPECT_FALSE(fake.receive());
}

TEST_F(ServiceManagerTest, AManagerThatDoesNotReadIsNotWaitedFor) {
  FakeManager fake(path());
  const ServiceManager manager = with("NOTIFY_SOCKET", path());
  alarm(5);  // blocked, the test would end here
  int taken = 0;
  while (taken < 100000 && manager.notify("WATCHDOG=1")) ++taken;
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, 100000);
  EXPECT_FALSE(manager.store(0, "a"));
  EXPECT_TRUE(fake.receive());
  EXPECT_TRUE(manager.notify("WATCHDOG=1"));  // there is room again
  alarm(0);
}

TEST_F(ServiceManagerTest, AManagerThatIsGoneIsNoErrorAndItsReturnIsNoticed) {
  const ServiceManager manager = with("NOTIFY_SOCKET", path());
  EXPECT_FALSE(manager.notify("READY=1"));
  {
    FakeManager fake(path());
    EXPECT_TRUE(manager.notify("READY=1"));
  }
  EXPECT_FALSE(manager.notify("READY=1"));
  std::filesystem::remove(path());
  FakeManager again(path());
  EXPECT_TRUE(manager.notify("READY=1"));
}

TEST_F(ServiceManagerTest, BadSocketNamesCountAsAbsent) {
  for (const std::string& name :
       {std::string(), std::string("relative"), std::string("@"), std::string("/"),
        std::string("vsock:2:1234"), "/" + std::string(200, 'x')}) {
    EXPECT_FALSE(with("NOTIFY_SOCKET", name).present()) << name;
    EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr) << name;
  }
}

TEST_F(ServiceManagerTest, TheWatchdogPeriodIsRead) {
  EXPECT_EQ(with("WATCHDOG_USEC", "4000000").watchdog(), milliseconds(4000));
  setenv("WATCHDOG_PID", own_pid().c_str(), 1);
  EXPECT_EQ(with("WATCHDOG_USEC", "1500000").watchdog(), milliseconds(1500));
}

TEST_F(ServiceManagerTest, AWatchdogForAnotherProcessIsNotOurs) {
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(with("WATCHDOG_USEC", "4000000").watchdog(), milliseconds(0));
}

TEST_F(ServiceManagerTest, BadWatchdogPeriodsCountAsNone) {
  for (const char* period : {"", "0", "999", "-1", "4s", " 4000000", "4000000 ", "0x10",
                             "18446744073709551615", "99999999999999999999999"}) {
    EXPECT_EQ(with("WATCHDOG_USEC", period).watchdog(), milliseconds(0)) << period;
    EXPECT_EQ(getenv("WATCHDOG_USEC"), nullptr) << period;
  }
}

// Descriptors are passed by number from 3 on, which the test program uses itself: `body` runs in a
// child, in which `open` of them lead somewhere and all others are closed.
template <typename Body>
int in_child(int open, Body body) {
  const pid_t child = fork();
  if (child == 0) {
    for (int fd = 3; fd < 64; ++fd) close(fd);
    for (int fd = 3; fd < 3 + open; ++fd) dup2(2, fd);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void announce_descriptors(const char* count, const char* names) {
  setenv("LISTEN_PID", own_pid().c_str(), 1);
  setenv("LISTEN_FDS", count, 1);
  if (names != nullptr) setenv("LISTEN_FDNAMES", names, 1);
}

TEST_F(ServiceManagerTest, StoredDescriptorsAreTakenOnceWithTheirNames) {
  EXPECT_EQ(in_child(3,
                     [] {
                       announce_descriptors("3", "fanotify-1:stored:fanotify-2");
                       const std::vector<StoredDescriptor> taken = take_stored_descriptors();
                       if (taken.size() != 3) return 1;
                       if (taken[0].name != "fanotify-1" || taken[0].fd.get() != 3) return 2;
                       if (taken[1].name != "stored" || taken[1].fd.get() != 4) return 3;
                       if (taken[2].name != "fanotify-2" || taken[2].fd.get() != 5) return 4;
                       for (int fd = 3; fd < 6; ++fd) {
                         if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) return 5;
                       }
                       if (getenv("LISTEN_FDS") != nullptr) return 6;
                       return take_stored_descriptors().empty() ? 0 : 7;
                     }),
            0);
}

TEST_F(ServiceManagerTest, MissingNamesAndClosedDescriptorsAreBorne) {
  EXPECT_EQ(in_child(2,
                     [] {
                       announce_descriptors("4", "one");
                       const std::vector<StoredDescriptor> taken = take_stored_descriptors();
                       if (taken.size() != 2) return 1;
                       return taken[0].name == "one" && taken[1].name.empty() ? 0 : 2;
                     }),
            0);
}

TEST_F(ServiceManagerTest, DescriptorsForAnotherProcessAreNotTouched) {
  EXPECT_EQ(in_child(1,
                     [] {
                       announce_descriptors("1", "one");
                       setenv("LISTEN_PID", "1", 1);
                       if (!take_stored_descriptors().empty()) return 1;
                       if (getenv("LISTEN_FDS") != nullptr) return 2;
                       return (fcntl(3, F_GETFD) & FD_CLOEXEC) == 0 ? 0 : 3;
                     }),
            0);
}

TEST_F(ServiceManagerTest, BadDescriptorCountsYieldNone) {
  for (const char* count : {"", "0", "-1", "x", "2 ", "4294967299", "99999999999999999999"}) {
    announce_descriptors(count, "a:b");
    EXPECT_THAT(take_stored_descriptors(), IsEmpty()) << count;
  }
}

}  // namespace
}  // namespace holdfast
