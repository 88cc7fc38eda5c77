#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "../kernel/fake_group.h"
#include "fakes.h"
#include "sensor/container_guard.h"

namespace holdfast {
namespace {

constexpr Found kAtExec{.executed_ns = 2, .looked_ns = 3};
constexpr Found kLater{.executed_ns = {}, .looked_ns = 3};

class FakeProcess : public RunningProcess {
 public:
  pid_t pid() const override { return getpid(); }
  bool still_runs(const FileStat&) const override { return runs; }
  Status signal(int number) const override {
    signals.push_back(number);
    if (number == SIGKILL && refuse_with != 0) return Error{refuse_with, "send signal 9", ""};
    return {};
  }
  bool runs = true;
  int refuse_with = 0;
  mutable std::vector<int> signals;
};

class FoundRunning : public testing::Test {
 protected:
  void use_policy(const std::string& actions) {
    const CompiledPolicies compiled =
        compile_policies({{"p.yml",
                           "file:\n  selectors:\n    - {name: all, operation: [createExecutable, "
                           "execMemFd]}\n  responses:\n    - {match: [all], actions: [" +
                               actions + "]}\n"}});
    ASSERT_TRUE(compiled.set) << compiled.diagnostics.front().to_string();
    policy_ = compiled.set;
  }
  Act drift() const {
    Act act;
    act.mechanism = Mechanism::exec_watch;
    act.path = "/mnt/x";
    act.file = file_stat(0755);
    act.reason = "why";
    return act;
  }
  const AlertRecord& only_report() {
    EXPECT_EQ(reported_.size(), 1U);
    return reported_.at(0);
  }

  GateCounters counters_;
  std::shared_ptr<const PolicySet> policy_;
  std::vector<AlertRecord> reported_;
  GuardServices services_{[this] { return policy_; },
                          [this](AlertRecord record) { reported_.push_back(std::move(record)); },
                          nullptr, &counters_};
  ContainerGuard guard_{std::make_shared<FakeGroup>(),
                        std::make_shared<Places>(Place{.content = std::make_shared<FakeContent>()}),
                        {},
                        std::make_shared<Workload>(),
                        services_};
  std::shared_ptr<FakeProcess> process_ = std::make_shared<FakeProcess>();
};

TEST_F(FoundRunning, ItIsKilledWhereThePolicyBlocks) {
  use_policy("alert, block");
  guard_.found_running(drift(), process_, kAtExec);
  EXPECT_EQ(process_->signals, (std::vector{SIGSTOP, SIGKILL}));
  EXPECT_EQ(only_report().outcome, Outcome::killed);
  EXPECT_EQ(only_report().mechanism, Mechanism::exec_watch);
  EXPECT_EQ(only_report().event.path, "/mnt/x");
  EXPECT_EQ(only_report().process.process.pid, getpid());
  EXPECT_EQ(counters_.killed, 1U);
  EXPECT_EQ(guard_.counters()->killed, 1U);
}

TEST_F(FoundRunning, ItIsReportedOnceWhereThePolicyAlerts) {
  use_policy("alert");
  guard_.found_running(drift(), process_, kAtExec);
  guard_.found_running(drift(), process_, kLater);
  EXPECT_TRUE(process_->signals.empty());
  EXPECT_EQ(only_report().outcome, Outcome::alerted);
  EXPECT_EQ(counters_.alerted, 1U);
  EXPECT_EQ(guard_.counters()->alerted, 1U);
}

TEST_F(FoundRunning, AProcessThatEndedOrRunsSomethingElseIsSentNothing) {
  use_policy("alert, block");
  process_->runs = false;
  guard_.found_running(drift(), process_, kAtExec);
  EXPECT_TRUE(process_->signals.empty());
  EXPECT_EQ(only_report().outcome, Outcome::alerted);
  EXPECT_NE(only_report().reason.find("ended"), std::string::npos);
}

TEST_F(FoundRunning, AKillThatFailsIsNotCalledOne) {
  use_policy("alert, block");
  process_->refuse_with = EPERM;
  guard_.found_running(drift(), process_, kAtExec);
  EXPECT_EQ(only_report().outcome, Outcome::alerted);
  EXPECT_NE(only_report().reason.find("could not be killed"), std::string::npos);
}

TEST_F(FoundRunning, WhatNoPolicyNamesIsNothing) {
  use_policy("alert, block");
  Act act = drift();
  act.operation = Operation::modify_executable;
  guard_.found_running(act, process_, kAtExec);
  EXPECT_TRUE(reported_.empty());
  EXPECT_TRUE(process_->signals.empty());
}

// The gate let it happen, and has told of it.
TEST_F(FoundRunning, WhatTheGateLetRunIsNotToldOfTwice) {
  use_policy("alert");
  class Container : public ProcessOrigin {
    bool is_host(pid_t, Intent) const override { return false; }
    bool may_be_in_container(pid_t) const override { return true; }
  } origin;
  services_.origin = &origin;
  const UniqueFd self(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  guard_.handle({UniqueFd(dup(self.get())), FAN_OPEN_EXEC, getpid(), {}});
  ASSERT_EQ(reported_.size(), 1U);
  Act act = drift();
  act.file = *stat_of(self.get());
  guard_.found_running(act, process_, kAtExec);
  guard_.found_running(act, process_, kLater);
  EXPECT_EQ(reported_.size(), 1U);
  // And the other way round.
  guard_.found_running(act, process_, kAtExec);
  guard_.handle({UniqueFd(dup(self.get())), FAN_OPEN_EXEC, getpid(), {}});
  EXPECT_EQ(reported_.size(), 2U);
}

}  // namespace
}  // namespace holdfast
