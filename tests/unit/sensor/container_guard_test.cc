#include "sensor/container_guard.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "../container/temp_tree.h"
#include "../kernel/fake_group.h"
#include "fakes.h"
#include "sensor/leftover.h"

namespace holdfast {
namespace {

// A guard over a fake group and a real file, so that the descriptor's facts are the kernel's.
class ContainerGuardTest : public testing::Test {
 protected:
  void use_policy(const std::string& actions) {
    const CompiledPolicies compiled =
        compile_policies({{"p.yml",
                           "file:\n  selectors:\n    - {name: all, operation: [createExecutable, "
                           "modifyExecutable]}\n  responses:\n    - {match: [all], actions: [" +
                               actions + "]}\n"}});
    ASSERT_TRUE(compiled.set) << compiled.diagnostics.front().to_string();
    policy_ = compiled.set;
  }

  // One event for an executable; the answer, or nothing when it waits or needs none.
  std::optional<bool> event(std::uint64_t mask) {
    tree_.file("tool", "bytes");
    chmod((tree_ / "tool").c_str(), 0755);
    UniqueFd fd(open((tree_ / "tool").c_str(), O_RDONLY | O_CLOEXEC));
    const int number = fd.get();
    group_->answers.clear();
    deferred_ = guard_.handle({std::move(fd), mask, getpid(), {}});
    const auto found = group_->answers.find(number);
    if (found == group_->answers.end()) return std::nullopt;
    EXPECT_EQ(found->second.size(), 1U) << "exactly one answer";
    return found->second.front();
  }

  TempTree tree_;
  std::shared_ptr<FakeGroup> group_ = std::make_shared<FakeGroup>();
  std::shared_ptr<FakeContent> content_ = std::make_shared<FakeContent>();
  FakeOrigin origin_;
  GateCounters counters_;
  std::shared_ptr<const PolicySet> policy_;
  std::vector<AlertRecord> reported_;
  GuardServices services_{[this] { return policy_; },
                          [this](AlertRecord record) { reported_.push_back(std::move(record)); },
                          &origin_, &counters_};
  ContainerGuard guard_{group_,
                        std::make_shared<Places>(Place{.content = content_}),
                        {},
                        std::make_shared<Workload>(),
                        services_};
  std::optional<ContainerGuard::Deferred> deferred_;
};

TEST_F(ContainerGuardTest, DriftIsRefusedAndReported) {
  use_policy("alert, block");
  EXPECT_EQ(event(FAN_OPEN_EXEC_PERM), false);
  ASSERT_EQ(reported_.size(), 1U);
  EXPECT_EQ(reported_[0].outcome, Outcome::blocked);
  EXPECT_EQ(reported_[0].mechanism, Mechanism::exec_gate);
  EXPECT_EQ(reported_[0].event.path, tree_ / "tool");
  EXPECT_EQ(reported_[0].process.process.pid, getpid());
  EXPECT_EQ(reported_[0].decision.selectors, std::vector<std::string>{"all"});
  EXPECT_EQ(counters_.refused, 1U);
  EXPECT_EQ(guard_.counters()->events, 1U);
  EXPECT_EQ(guard_.counters()->refused, 1U);
  EXPECT_EQ(guard_.counters()->alerted, 0U);
}

TEST_F(ContainerGuardTest, AlertOnlyLetsItHappen) {
  use_policy("alert");
  EXPECT_EQ(event(FAN_OPEN_EXEC_PERM), true);
  ASSERT_EQ(reported_.size(), 1U);
  EXPECT_EQ(reported_[0].outcome, Outcome::alerted);
}

TEST_F(ContainerGuardTest, TheHostAndTheImageAreNotJudged) {
  use_policy("alert, block");
  origin_.host = true;
  EXPECT_EQ(event(FAN_OPEN_EXEC_PERM), true);
  origin_.host = false;
  content_->certain = true;
  EXPECT_EQ(event(FAN_OPEN_EXEC_PERM), true);
  EXPECT_TRUE(reported_.empty());
}

TEST_F(ContainerGuardTest, AComparisonKeepsTheOpenerWaitingAndThenDecides) {
  use_policy("alert, block");
  content_->judgement = {Judgement::Origin::undetermined, true, ""};
  EXPECT_EQ(event(FAN_OPEN_EXEC_PERM), std::nullopt);
  ASSERT_TRUE(deferred_);
  guard_.conclude(*deferred_, guard_.carry_out(*deferred_));
  deferred_.reset();
  EXPECT_EQ(group_->answers.begin()->second, std::vector<bool>{true}) << "equal bytes run";

  content_->compared = {Judgement::Origin::drift, true, "its bytes differ"};
  EXPECT_EQ(event(FAN_OPEN_EXEC_PERM), std::nullopt);
  guard_.conclude(*deferred_, guard_.carry_out(*deferred_));
  deferred_.reset();
  EXPECT_EQ(group_->answers.begin()->second, std::vector<bool>{false});
  EXPECT_EQ(reported_.size(), 1U);
}

TEST_F(ContainerGuardTest, ADroppedComparisonIsAnsweredAndCounted) {
  use_policy("alert, block");
  content_->judgement = {Judgement::Origin::undetermined, true, ""};
  EXPECT_EQ(event(FAN_OPEN_EXEC_PERM), std::nullopt);
  deferred_.reset();
  EXPECT_EQ(group_->answers.size(), 1U);
  EXPECT_EQ(counters_.undecided, 1U);
}

TEST_F(ContainerGuardTest, NotificationsAreReportedAndNeverAnswered) {
  use_policy("alert, block");
  EXPECT_EQ(event(FAN_CLOSE_WRITE), std::nullopt);
  ASSERT_EQ(reported_.size(), 1U);
  EXPECT_EQ(reported_[0].mechanism, Mechanism::change_watch);
  EXPECT_EQ(reported_[0].outcome, Outcome::alerted) << "too late to refuse";
}

TEST(RemoveLeftover, OnlyTheSameEmptyFileGoes) {
  TempTree tree;
  const auto descriptor = [&](const std::string& name) {
    return UniqueFd(open((tree / name).c_str(), O_RDONLY | O_CLOEXEC));
  };
  tree.file("root/tmp/x", "");
  const dev_t device = device_of(*stat_of_path(tree / "root"));
  chmod((tree / "root/tmp/x").c_str(), 0755);
  const UniqueFd empty = descriptor("root/tmp/x");
  EXPECT_FALSE(
      remove_leftover(empty.get(), *stat_of(empty.get()), "/tmp/x", {tree / "root"}, device + 1))
      << "the view leads elsewhere now";
  EXPECT_TRUE(
      remove_leftover(empty.get(), *stat_of(empty.get()), "/tmp/x", {tree / "root"}, device));
  EXPECT_NE(access((tree / "root/tmp/x").c_str(), F_OK), 0);

  tree.file("root/tmp/y", "");
  const UniqueFd other = descriptor("root/tmp/y");
  tree.file("root/tmp/z", "");
  EXPECT_FALSE(
      remove_leftover(other.get(), *stat_of(other.get()), "/tmp/z", {tree / "root"}, device));
  EXPECT_EQ(access((tree / "root/tmp/z").c_str(), F_OK), 0) << "another file of that name stays";

  tree.file("root/tmp/full", "bytes");
  chmod((tree / "root/tmp/full").c_str(), 0755);
  const UniqueFd full = descriptor("root/tmp/full");
  disarm_leftover(full.get(), *stat_of(full.get()));
  EXPECT_FALSE(
      remove_leftover(full.get(), *stat_of(full.get()), "/tmp/full", {tree / "root"}, device));
  EXPECT_EQ(stat_of(full.get())->stx_mode & 0111, 0) << "but it cannot be run";
}

TEST(ContainerPath, HostPathsAreCutForHostRootedOpenersOnly) {
  const std::string merged = "/var/lib/storage/abc/merged";
  EXPECT_EQ(container_path(merged + "/tmp/x", false, merged, false), "/tmp/x");
  EXPECT_EQ(container_path(merged + "/tmp/x", false, merged, true), merged + "/tmp/x");
  EXPECT_EQ(container_path(merged + "x/tmp/x", false, merged, false), merged + "x/tmp/x");
  EXPECT_EQ(container_path("/tmp/x (deleted)", true, "", true), "/tmp/x");
  EXPECT_EQ(container_path("/tmp/x (deleted)", false, "", true), "/tmp/x (deleted)");
}

}  // namespace
}  // namespace holdfast
