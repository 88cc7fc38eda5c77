// What a guard does while who its container is is not known.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include "../container/temp_tree.h"
#include "../kernel/fake_group.h"
#include "fakes.h"
#include "sensor/container_guard.h"

namespace holdfast {
namespace {

class FakeIdentities : public IdentitySource {
 public:
  Identity of(const std::string&) override { return who; }
  void when_known(const std::string&, std::function<void()> then) override {
    if (who.missing != 0 && !who.overdue) {
      waiting.push_back(std::move(then));
      if (told_meanwhile) tell(*std::exchange(told_meanwhile, std::nullopt));
    } else {
      then();
    }
  }
  void appeared(const std::string&) override {}
  void set_present(const std::vector<ContainerCgroup>&) override {}

  void end_waits() {
    for (const auto& then : std::exchange(waiting, {})) then();
  }
  void tell(const std::string& tier) {
    auto workload = std::make_shared<Workload>(*who.workload);
    workload->orchestrator.resource_labels = {{"tier", tier}};
    who = {workload, 0};
    end_waits();
  }

  Identity who{std::make_shared<Workload>(), kLabelsFact};
  std::vector<std::function<void()>> waiting;
  std::optional<std::string> told_meanwhile;  // the label that the first wait ends with
};

class FakeProcess : public RunningProcess {
 public:
  pid_t pid() const override { return getpid(); }
  bool still_runs(const FileStat&) const override { return true; }
  Status signal(int number) const override {
    signals.push_back(number);
    return {};
  }
  mutable std::vector<int> signals;
};

class GuardIdentity : public testing::Test {
 protected:
  GuardIdentity() {
    services_.identities = &identities_;
    guard_ = std::make_shared<ContainerGuard>(group_,
                                              std::make_shared<Places>(Place{.content = content_}),
                                              RootMount{}, std::make_shared<Workload>(), services_);
  }
  std::optional<ContainerGuard::Deferred> event(std::uint64_t mask) {
    tree_.file("tool", "bytes");
    chmod((tree_ / "tool").c_str(), 0755);
    UniqueFd fd(open((tree_ / "tool").c_str(), O_RDONLY | O_CLOEXEC));
    return guard_->handle({std::move(fd), mask, getpid(), {}});
  }
  // A permission event waits; answered when its wait has ended.
  bool answer_after(const std::function<void()>& end) {
    std::optional<ContainerGuard::Deferred> deferred = event(FAN_OPEN_EXEC_PERM);
    EXPECT_TRUE(deferred && deferred->awaits_identity);
    EXPECT_TRUE(group_->answers.empty());
    bool called = false;
    EXPECT_TRUE(guard_->await_identity(*deferred, *deferred->act, [&] { called = true; }));
    EXPECT_FALSE(called);
    end();
    EXPECT_TRUE(called);
    guard_->conclude(*deferred, deferred->act);
    return group_->answers.begin()->second.front();
  }
  static Act running() {
    Act act;
    act.mechanism = Mechanism::exec_watch;
    act.path = "/mnt/x";
    act.file = file_stat(0755);
    return act;
  }

  TempTree tree_;
  std::shared_ptr<FakeGroup> group_ = std::make_shared<FakeGroup>();
  std::shared_ptr<FakeContent> content_ = std::make_shared<FakeContent>();
  std::shared_ptr<FakeProcess> process_ = std::make_shared<FakeProcess>();
  FakeIdentities identities_;
  FakeOrigin origin_;
  GateCounters counters_;
  std::shared_ptr<const PolicySet> policy_ = compile_policies({{"p.yml", R"(file:
  selectors:
    - {name: front, operation: [createExecutable, modifyExecutable],
       orchestratorResourceLabel: [tier:front]}
  responses:
    - {match: [front], actions: [alert, block]}
)"}}).set;
  std::vector<AlertRecord> reported_;
  GuardServices services_{[this] { return policy_; },
                          [this](AlertRecord record) { reported_.push_back(std::move(record)); },
                          &origin_, &counters_};
  std::shared_ptr<ContainerGuard> guard_;
};

TEST_F(GuardIdentity, AnOpenerWaitsForTheFactThatDecides) {
  EXPECT_FALSE(answer_after([this] { identities_.tell("front"); }));
  ASSERT_EQ(reported_.size(), 1U);
  EXPECT_EQ(reported_[0].outcome, Outcome::blocked);
  EXPECT_EQ(reported_[0].event.workload->orchestrator.resource_labels->at("tier"), "front");
}

TEST_F(GuardIdentity, AndGoesOnWhereItDoesNotMatch) {
  EXPECT_TRUE(answer_after([this] { identities_.tell("back"); }));
  EXPECT_TRUE(reported_.empty());
}

TEST_F(GuardIdentity, InTheEndTheUnknownRuleDecides) {
  EXPECT_FALSE(answer_after([this] {
    identities_.who.overdue = true;
    identities_.end_waits();
  }));
  ASSERT_EQ(reported_.size(), 1U);
  EXPECT_NE(reported_[0].reason.find("not known in time: the pod's labels"), std::string::npos);
}

TEST_F(GuardIdentity, TheHostDoesNotWait) {
  origin_.host = true;
  EXPECT_FALSE(event(FAN_OPEN_EXEC_PERM));
  EXPECT_TRUE(group_->answers.begin()->second.front());
}

TEST_F(GuardIdentity, WhatHasHappenedIsToldWhenItIsKnown) {
  EXPECT_FALSE(event(FAN_CLOSE_WRITE));
  guard_->changed(running(), *guard_->actor(getpid()));
  EXPECT_TRUE(reported_.empty());
  identities_.tell("front");
  ASSERT_EQ(reported_.size(), 2U);
  EXPECT_EQ(reported_[0].outcome, Outcome::alerted);
  EXPECT_TRUE(reported_[1].seen_afterwards);
  EXPECT_EQ(reported_[1].event.workload->orchestrator.resource_labels->at("tier"), "front");
  EXPECT_EQ(counters_.alerted, 2U);
}

TEST_F(GuardIdentity, WhatHasHappenedIsNotToldWhereItDoesNotMatch) {
  EXPECT_FALSE(event(FAN_CLOSE_WRITE));
  identities_.tell("back");
  EXPECT_TRUE(reported_.empty());
}

TEST_F(GuardIdentity, AFoundProcessIsEndedWhenItIsKnown) {
  guard_->found_running(running(), process_, {.executed_ns = 2, .looked_ns = 3});
  EXPECT_TRUE(process_->signals.empty());
  identities_.tell("front");
  EXPECT_EQ(process_->signals, (std::vector{SIGSTOP, SIGKILL}));
  ASSERT_EQ(reported_.size(), 1U);
  EXPECT_EQ(reported_[0].outcome, Outcome::killed);
  EXPECT_EQ(reported_[0].process.process.pid, getpid());
}

TEST_F(GuardIdentity, AFoundProcessIsLeftAloneWhereItDoesNotMatch) {
  guard_->found_running(running(), process_, {.executed_ns = 2, .looked_ns = 3});
  identities_.tell("back");
  EXPECT_TRUE(process_->signals.empty());
  EXPECT_TRUE(reported_.empty());
}

TEST_F(GuardIdentity, ANotifiedCallIsRefusedWhenTheWaitEnds) {
  identities_.told_meanwhile = "front";
  EXPECT_TRUE(guard_->refuses(running(), getpid()));
  ASSERT_EQ(reported_.size(), 1U);
  EXPECT_EQ(reported_[0].event.workload->orchestrator.resource_labels->at("tier"), "front");
  identities_.who = {std::make_shared<Workload>(), kLabelsFact};
  identities_.told_meanwhile = "back";
  EXPECT_FALSE(guard_->refuses(running(), getpid()));
}

// The guard's container is gone meanwhile.
TEST_F(GuardIdentity, AWaitKeepsWhatItNeeds) {
  EXPECT_FALSE(event(FAN_CLOSE_WRITE));
  guard_.reset();
  identities_.tell("front");
  EXPECT_EQ(reported_.size(), 1U);
}

}  // namespace
}  // namespace holdfast
