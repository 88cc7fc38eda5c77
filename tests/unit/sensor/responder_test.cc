#include "sensor/responder.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "../kernel/fake_group.h"
#include "fakes.h"

namespace holdfast {
namespace {

// Readable for epoll, and answers that another thread may look at.
class PolledGroup : public FakeGroup {
 public:
  PolledGroup() { ready_.raise(); }
  int fd() const override { return ready_.fd(); }
  Status answer(int, bool allow) override {
    (allow ? allowed : denied)++;
    return {};
  }
  std::atomic<int> allowed{0}, denied{0};

 private:
  WakeSignal ready_;
};

class ResponderTest : public testing::Test {
 protected:
  // Of a group that many containers' processes raise events in.
  std::unique_ptr<Responder> responder_of(
      std::function<std::shared_ptr<ContainerGuard>(pid_t)> find) {
    Result<std::unique_ptr<Responder>> responder = Responder::start(held_, services_, {});
    EXPECT_TRUE(responder);
    EXPECT_TRUE((*responder)->add({shared_, nullptr, std::move(find)}));
    return std::move(*responder);
  }
  void queue_exec_of_memory_file(pid_t tid) {
    shared_->queued.push_back(
        {UniqueFd(memfd_create("evil", MFD_CLOEXEC)), FAN_OPEN_EXEC_PERM, tid, {}});
  }
  void wait_for_answers(int count) const {
    for (int i = 0; i < 500 && shared_->allowed + shared_->denied < count; ++i) usleep(10'000);
    ASSERT_EQ(shared_->allowed + shared_->denied, count);
  }

  std::unique_ptr<EventTable> events_ = std::make_unique<EventTable>();
  std::unique_ptr<DescriptorTable> descriptors_ = std::make_unique<DescriptorTable>();
  HeldGroups held_{*events_, *descriptors_, [] {}};
  std::shared_ptr<PolledGroup> shared_ = std::make_shared<PolledGroup>();
  std::shared_ptr<FakeGroup> own_ = std::make_shared<FakeGroup>();
  FakeOrigin origin_;
  GateCounters counters_;
  std::shared_ptr<const PolicySet> policy_ =
      compile_policies({{"p.yml",
                         "file:\n  selectors:\n    - {name: memory, operation: [execMemFd]}\n"
                         "  responses:\n    - {match: [memory], actions: [alert, block]}\n"}})
          .set;
  std::atomic<int> reported_{0};
  GuardServices services_{[this] { return policy_; }, [this](const AlertRecord&) { ++reported_; },
                          &origin_, &counters_};
  std::shared_ptr<ContainerGuard> guard_ = std::make_shared<ContainerGuard>(
      own_, std::make_shared<Places>(Place{.content = std::make_shared<FakeContent>()}),
      RootMount{}, std::make_shared<Workload>(), services_);
};

TEST_F(ResponderTest, AnEventOfASharedGroupIsItsContainers) {
  queue_exec_of_memory_file(getpid());
  const auto responder = responder_of([this](pid_t tid) {
    EXPECT_EQ(tid, getpid());
    return guard_;
  });
  wait_for_answers(1);
  responder->stop();
  EXPECT_EQ(shared_->denied, 1);
  EXPECT_TRUE(own_->answers.empty()) << "the answer goes where the question came from";
  EXPECT_EQ(reported_, 1);
}

TEST_F(ResponderTest, AnEventOfNoContainerIsLetHappen) {
  for (int i = 0; i < 3; ++i) queue_exec_of_memory_file(getpid());
  const auto responder = responder_of([](pid_t) { return nullptr; });
  wait_for_answers(3);
  responder->stop();
  EXPECT_EQ(shared_->allowed, 3);
  EXPECT_EQ(reported_, 0);
}

TEST_F(ResponderTest, ANotificationOfNoContainerGetsNoAnswer) {
  shared_->queued.push_back(
      {UniqueFd(memfd_create("evil", MFD_CLOEXEC)), FAN_OPEN_EXEC, getpid(), {}});
  queue_exec_of_memory_file(getpid());
  const auto responder = responder_of([](pid_t) { return nullptr; });
  wait_for_answers(1);
  responder->stop();
  EXPECT_EQ(shared_->allowed, 1);
  EXPECT_EQ(counters_.events, 2U);
}

}  // namespace
}  // namespace holdfast
