// The keeper with workers that misbehave in every way; real processes, a real fanotify group on a
// file of the test's own.
#include "daemon/keeper.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <thread>

#include "../container/temp_tree.h"
#include "daemon/shared_state.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

TEST(WorkerFaultTest, EventsMayAgeSoFarAndNoFurther) {
  const KeeperSettings settings;
  EXPECT_EQ(worker_fault({true, {}, milliseconds(2400), milliseconds(1999)}, settings), nullptr);
  EXPECT_NE(worker_fault({true, {}, milliseconds(2501), {}}, settings), nullptr);
  EXPECT_NE(worker_fault({true, {}, {}, milliseconds(2000)}, settings), nullptr);
}

TEST(WorkerFaultTest, AStartMayTakeTimeWhileItGetsFurther) {
  const KeeperSettings settings;
  EXPECT_EQ(
      worker_fault({false, milliseconds(4000), milliseconds(9000), milliseconds(9000)}, settings),
      nullptr);
  EXPECT_NE(worker_fault({false, milliseconds(5001), {}, {}}, settings), nullptr);
}

TEST(RestartDelayTest, AtOnceThenSlowerAndSlower) {
  EXPECT_EQ(restart_delay(0, 50), milliseconds(0));
  EXPECT_EQ(restart_delay(0, 101), milliseconds(100));
  EXPECT_EQ(restart_delay(1, 1), milliseconds(50));
  EXPECT_EQ(restart_delay(3, 3), milliseconds(200));
  EXPECT_EQ(restart_delay(1000, 1000), milliseconds(2000));
}

// Runs a keeper in a child of its own: it owns its process's children and signals.
class KeeperTest : public testing::Test {
 protected:
  struct Shared {  // between the test, the keeper and its workers
    std::atomic<int> starts;
    std::atomic<int> stops;
    std::atomic<pid_t> worker;
    std::atomic<int> fd;
    std::atomic<int> seen;
    std::atomic<std::uint64_t> number;  // of the last worker, as it read it itself
  };

  void SetUp() override {
    void* memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    shared_ = static_cast<Shared*>(memory);
    Result<SharedStatePtr> state = map_shared_state(directory_ / "state");
    ASSERT_TRUE(state) << state.error().message();
    state_ = std::move(*state);
    state_->clear();
  }
  void TearDown() override {
    if (keeper_ > 0) {
      kill(keeper_, SIGKILL);
      waitpid(keeper_, nullptr, 0);
    }
    munmap(shared_, sizeof(Shared));
  }

  void run(std::function<int()> worker, KeeperSettings settings = {}) {
    keeper_ = fork();
    if (keeper_ != 0) return;
    alarm(30);
    std::freopen("/dev/null", "w", stderr);
    Keeper keeper(*state_, ServiceManager::from_environment(), settings, std::move(worker));
    _exit(keeper.run());
  }
  // A worker's part: ready, then until SIGTERM.
  int serve() {
    shared_->number = state_->worker_starts.load();
    ++shared_->starts;
    shared_->worker = getpid();
    state_->ready = 1;
    kill(getppid(), SIGUSR1);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    int signal = 0;
    sigwait(&signals, &signal);
    ++shared_->stops;
    return 0;
  }
  // Exit status of the keeper after SIGTERM.
  int stop() {
    kill(keeper_, SIGTERM);
    int status = 0;
    waitpid(keeper_, &status, 0);
    keeper_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  static bool wait_for(const std::function<bool()>& condition, int milliseconds = 5000) {
    for (int i = 0; i < milliseconds / 5 && !condition(); ++i) usleep(5000);
    return condition();
  }

  TempTree directory_;
  SharedStatePtr state_;
  Shared* shared_ = nullptr;
  pid_t keeper_ = 0;
};

TEST_F(KeeperTest, AStopIsHandedOnAndWaitedFor) {
  run([this] { return serve(); });
  ASSERT_TRUE(wait_for([&] { return state_->ready == 1; }));
  EXPECT_EQ(stop(), 0);
  EXPECT_EQ(shared_->stops, 1);
}

TEST_F(KeeperTest, AWorkerThatIsKilledIsReplaced) {
  run([this] { return serve(); });
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(wait_for([&] { return shared_->starts == i && state_->ready == 1; })) << i;
    EXPECT_EQ(shared_->number, static_cast<std::uint64_t>(i));
    kill(shared_->worker, SIGKILL);
  }
  ASSERT_TRUE(wait_for([&] { return shared_->starts == 6; }));
  EXPECT_EQ(state_->worker_starts, 6U);
  EXPECT_EQ(stop(), 0);
}

TEST_F(KeeperTest, AFirstStartThatIsRefusedEndsTheDaemon) {
  run([] { return 2; });
  int status = 0;
  waitpid(keeper_, &status, 0);
  keeper_ = 0;
  EXPECT_EQ(WEXITSTATUS(status), 2);
}

TEST_F(KeeperTest, AWorkerThatDoesNotStopIsEnded) {
  KeeperSettings settings;
  settings.stop = milliseconds(100);
  run(
      [this] {
        shared_->worker = getpid();
        state_->ready = 1;
        while (true) pause();
        return 0;
      },
      settings);
  ASSERT_TRUE(wait_for([&] { return shared_->worker != 0; }));
  EXPECT_EQ(stop(), 0);
  EXPECT_EQ(state_->workers_killed, 1U);
}

TEST_F(KeeperTest, AnEventPastItsDeadlineCostsTheWorkerItsPlace) {
  KeeperSettings settings;
  settings.answer_deadline = settings.heartbeat = milliseconds(200);
  run(
      [this] {
        if (shared_->starts == 0) {
          // Read, and forgotten.
          auto* claim = new EventClaim(state_->events.take(0));
          claim->slot()->event.vers = FANOTIFY_METADATA_VERSION;
          claim->slot()->event.mask = FAN_OPEN_PERM;
          claim->arrived();
        } else {
          shared_->seen = static_cast<int>(state_->events.used());
        }
        return serve();
      },
      settings);
  ASSERT_TRUE(wait_for([&] { return shared_->starts == 2; }));
  EXPECT_EQ(shared_->seen, 1) << "the next worker finds the event";
  EXPECT_EQ(state_->workers_killed, 1U);
}

// The descriptor that one worker opens is open in the next: the point of all this.
TEST_F(KeeperTest, DescriptorsOutliveTheirWorker) {
  run([this] {
    const DescriptorKey key = descriptor_key("a group");
    close_strays(*state_, {});
    if (shared_->starts == 0) {
      const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
      (void)open("/dev/zero", O_RDONLY | O_CLOEXEC);  // a stray
      shared_->fd = fd;
      state_->descriptors.add(DescriptorKind::seccomp_listener, key, fd);
    } else {
      const auto place = state_->descriptors.claim(DescriptorKind::seccomp_listener, key);
      const bool open_still = place && fcntl(state_->descriptors[*place].fd, F_GETFD) >= 0;
      const bool stray_closed = fcntl(shared_->fd + 1, F_GETFD) < 0;
      shared_->seen = open_still && stray_closed ? 1 : -1;
    }
    return serve();
  });
  ASSERT_TRUE(wait_for([&] { return shared_->starts == 1 && state_->ready == 1; }));
  kill(shared_->worker, SIGKILL);
  ASSERT_TRUE(wait_for([&] { return shared_->seen != 0; }));
  EXPECT_EQ(shared_->seen, 1);
  EXPECT_EQ(stop(), 0);
}

TEST_F(KeeperTest, ALeavingDescriptorIsClosed) {
  run([this] {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const auto place =
        state_->descriptors.add(DescriptorKind::seccomp_listener, descriptor_key("x"), fd);
    state_->descriptors[*place].state = HeldDescriptor::leaving;
    kill(getppid(), SIGUSR1);
    for (int i = 0; i < 200 && fcntl(fd, F_GETFD) >= 0; ++i) usleep(5000);
    shared_->seen = fcntl(fd, F_GETFD) < 0 && state_->descriptors[*place].state == 0 ? 1 : -1;
    return serve();
  });
  ASSERT_TRUE(wait_for([&] { return shared_->seen != 0; }));
  EXPECT_EQ(shared_->seen, 1);
}

// A worker that never gets ready: what waits is answered by the fail mode.
TEST_F(KeeperTest, WithoutAWorkerTheFailModeAnswers) {
  if (geteuid() != 0) GTEST_SKIP() << "fanotify permission events need root";
  const TempMount mounted;
  ASSERT_TRUE(mounted.mounted());
  const std::string mount = mounted.tree().path();
  run([this, mount] {
    if (shared_->starts++ == 0) {
      const HeldGroups held{state_->events, state_->descriptors, [] {}};
      // Never destroyed, as when a worker is killed.
      auto* group = new auto(HeldGroups(held).open(descriptor_key("m")));
      if (!*group || !(**group)->mark(MarkScope::mount, FAN_OPEN_PERM, mount)) return 1;
      state_->ready = 1;  // once ready, the keeper does not give up
      kill(getppid(), SIGUSR1);
      usleep(100'000);
    }
    kill(getpid(), SIGKILL);
    return 0;
  });
  ASSERT_TRUE(wait_for([&] { return shared_->starts >= 4; }));
  std::atomic<bool> opened{false};
  std::thread opener([&] {
    const UniqueFd fd(open((mount + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    opened = fd.valid();
  });
  EXPECT_TRUE(wait_for([&] { return opened.load(); })) << "the opener hangs";
  EXPECT_GT(state_->counters.undecided, 0U);
  kill(keeper_, SIGKILL);  // whatever happened, the group ends here
  waitpid(keeper_, nullptr, 0);
  keeper_ = 0;
  opener.join();
}

}  // namespace
}  // namespace holdfast
