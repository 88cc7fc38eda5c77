// The change watch on a real filesystem: a tmpfs of the test's own takes the place of the layers'.
#include "sensor/change_watch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "../container/temp_tree.h"
#include "../kernel/fake_group.h"
#include "fakes.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

class ChangeWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!mount_.mounted()) GTEST_SKIP() << "no tmpfs can be mounted";
    mount_.tree().directory("upper/tmp");
    const CompiledPolicies compiled =
        compile_policies({{"p.yml",
                           "file:\n  selectors:\n    - {name: all, operation: [createExecutable, "
                           "modifyExecutable]}\n"
                           "  responses:\n    - {match: [all], actions: [alert, block]}\n"}});
    ASSERT_TRUE(compiled.set);
    policy_ = compiled.set;
    guard_ = std::make_shared<ContainerGuard>(std::make_shared<FakeGroup>(),
                                              std::make_shared<Places>(Place{.content = content_}),
                                              RootMount{}, std::make_shared<Workload>(), services_);
    Result<std::unique_ptr<ChangeWatch>> watch = ChangeWatch::start(services_, {milliseconds(150)});
    ASSERT_TRUE(watch) << watch.error().message();
    watch_ = std::move(*watch);
    const Status added = watch_->add("container", layer());
    if (!added && added.error().code == ENODEV) {
      GTEST_SKIP() << "this kernel's tmpfs has no file handles";
    }
    ASSERT_TRUE(added) << added.error().message();
  }

  std::shared_ptr<const WatchedLayer> layer() {
    return std::make_shared<WatchedLayer>(WatchedLayer{upper(""), content_, guard_});
  }
  std::string upper(const std::string& path) const { return mount_.tree() / "upper" + path; }

  // What was told of, in its order, once `count` were or it is certain that there are no more.
  std::vector<AlertRecord> told(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(count > 0 ? 10 : 0);
    while (std::chrono::steady_clock::now() < end) {
      std::lock_guard lock(mutex_);
      if (reported_.size() >= count) break;
    }
    std::this_thread::sleep_for(milliseconds(400));
    std::lock_guard lock(mutex_);
    EXPECT_EQ(reported_.size(), count);
    return std::exchange(reported_, {});
  }

  // Lets the watch see what was done so far.
  static void settle() { std::this_thread::sleep_for(milliseconds(50)); }

  const TempMount mount_;
  std::shared_ptr<FakeContent> content_ = std::make_shared<FakeContent>();
  FakeOrigin origin_;
  GateCounters counters_;
  std::shared_ptr<const PolicySet> policy_;
  std::mutex mutex_;
  std::vector<AlertRecord> reported_;
  GuardServices services_{[this] { return policy_; },
                          [this](AlertRecord record) {
                            std::lock_guard lock(mutex_);
                            reported_.push_back(std::move(record));
                          },
                          &origin_, &counters_};
  std::shared_ptr<ContainerGuard> guard_;
  std::unique_ptr<ChangeWatch> watch_;
};

TEST_F(ChangeWatchTest, TellsOfAFileThatIsMadeExecutable) {
  mount_.tree().file("upper/tmp/x", "bytes");
  settle();
  chmod(upper("/tmp/x").c_str(), 0755);
  const std::vector<AlertRecord> records = told(1);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].event.path, "/tmp/x");
  EXPECT_EQ(records[0].event.operation, Operation::create_executable);
  EXPECT_EQ(records[0].mechanism, Mechanism::change_watch);
  EXPECT_EQ(records[0].outcome, Outcome::alerted);
  EXPECT_EQ(records[0].process.process.pid, getpid());
  EXPECT_EQ(records[0].reason, "made executable; this cannot be refused, the file's run can");

  chown(upper("/tmp/x").c_str(), 1, 1);
  told(0);
  rename(upper("/tmp/x").c_str(), upper("/tmp/y").c_str());
  EXPECT_EQ(told(1).at(0).event.path, "/tmp/y");
  link(upper("/tmp/y").c_str(), upper("/tmp/z").c_str());
  EXPECT_EQ(told(1).at(0).event.path, "/tmp/z");
}

TEST_F(ChangeWatchTest, AFileIsFoundByItsHandleWhenItsNameIsGone) {
  mount_.tree().file("upper/tmp/a", "bytes");
  const UniqueFd open_as_a(open(upper("/tmp/a").c_str(), O_RDONLY | O_CLOEXEC));
  link(upper("/tmp/a").c_str(), upper("/tmp/b").c_str());
  unlink(upper("/tmp/a").c_str());
  fchmod(open_as_a.get(), 0755);
  EXPECT_EQ(told(1).at(0).event.path, "/tmp/b");
}

TEST_F(ChangeWatchTest, AnEmptyExecutableIsToldOfIfItStaysOne) {
  const std::string path = upper("/tmp/x");
  mknod(path.c_str(), S_IFREG | 0755, 0);
  unlink(path.c_str());
  told(0);  // the leftover of a refused creation
  mknod(path.c_str(), S_IFREG | 0755, 0);
  settle();
  std::ofstream(path) << "bytes";
  told(0);  // written: a gate saw it
  unlink(path.c_str());
  mknod(path.c_str(), S_IFREG | 0755, 0);
  EXPECT_EQ(told(1).at(0).event.path, "/tmp/x");
}

TEST_F(ChangeWatchTest, ANameThatLooksGoneHidesNothing) {
  const std::string path = upper("/tmp/x (deleted)");
  mknod(path.c_str(), S_IFREG | 0755, 0);
  settle();
  std::ofstream(path) << "bytes";
  EXPECT_EQ(told(1).at(0).event.path, "/tmp/x (deleted)");
}

TEST_F(ChangeWatchTest, TheHostAndTheImageAreNotToldOf) {
  origin_.host = true;
  mknod(upper("/tmp/host").c_str(), S_IFREG | 0755, 0);
  mount_.tree().file("upper/tmp/x", "bytes");
  chmod(upper("/tmp/x").c_str(), 0755);
  told(0);
  origin_.host = false;
  content_->judgement = {Judgement::Origin::undetermined, true, ""};
  mount_.tree().file("upper/tmp/copy", "bytes");
  chmod(upper("/tmp/copy").c_str(), 0755);
  told(0);
  content_->compared = {Judgement::Origin::drift, true, "its bytes differ"};
  mount_.tree().file("upper/tmp/other", "bytes");
  chmod(upper("/tmp/other").c_str(), 0755);
  EXPECT_EQ(told(1).at(0).event.operation, Operation::modify_executable);
}

TEST_F(ChangeWatchTest, OnlyWatchedLayersAreLookedAt) {
  mount_.tree().file("beside", "bytes");
  chmod((mount_.tree() / "beside").c_str(), 0755);
  told(0);
  EXPECT_EQ(watch_->counters().in_layers, 0U);
  EXPECT_GT(watch_->counters().events, 0U);
  mount_.tree().file("upper/tmp/x", "bytes");
  told(0);
  EXPECT_GT(watch_->counters().in_layers, 0U);

  ASSERT_TRUE(watch_->add("container", layer())) << "another guard";
  chmod(upper("/tmp/x").c_str(), 0755);
  told(1);
  watch_->remove("container");
  chmod(upper("/tmp/x").c_str(), 0644);
  chmod(upper("/tmp/x").c_str(), 0755);
  told(0);
}

TEST_F(ChangeWatchTest, TheFilesystemCanBeUnmounted) {
  mount_.tree().file("upper/tmp/x", "bytes");
  chmod(upper("/tmp/x").c_str(), 0755);
  told(1);
  EXPECT_EQ(umount2(mount_.tree().path().c_str(), 0), 0) << "no descriptor is held";
}

}  // namespace
}  // namespace holdfast
