#include "container/cgroup_walk.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "temp_tree.h"

namespace holdfast {
namespace {

using Kind = CgroupHierarchy::Kind;
const std::string kA(64, 'a');
const std::string kB(64, 'b');

class FakeIds : public KnownIds {
 public:
  explicit FakeIds(std::string id) : id_(std::move(id)) {}
  bool contains(std::string_view id) const override { return id == id_; }

 private:
  std::string id_;
};

Mount cgroup_mount(const std::string& type, const std::string& root, const std::string& point,
                   const std::string& options) {
  Mount mount;
  mount.type = type;
  mount.root = root;
  mount.mount_point = point;
  mount.super_options = options;
  return mount;
}

std::vector<std::string> chosen(const std::vector<Mount>& mounts,
                                const std::unordered_set<std::string>& preferred = {}) {
  std::vector<std::string> directories;
  for (const auto& hierarchy : choose_hierarchies(mounts, preferred)) {
    directories.push_back(hierarchy.directory);
  }
  return directories;
}

using Paths = std::vector<std::string>;

TEST(ChooseHierarchies, UnifiedPidsAndSystemdInThatOrder) {
  EXPECT_EQ(chosen({cgroup_mount("tmpfs", "/", "/sys/fs/cgroup", "rw"),
                    cgroup_mount("cgroup", "/", "/c/systemd", "rw,xattr,name=systemd"),
                    cgroup_mount("cgroup", "/", "/c/memory", "rw,memory"),
                    cgroup_mount("cgroup", "/", "/c/pids", "rw,cpu,pids"),
                    cgroup_mount("cgroup", "/", "/c/mine", "rw,name=pids"),
                    cgroup_mount("cgroup2", "/", "/c/unified", "rw")}),
            (Paths{"/c/unified", "/c/pids", "/c/systemd"}));
  EXPECT_EQ(chosen({}), Paths{});
}

TEST(ChooseHierarchies, InAPodTheHostsViewBeforeThePodsOwn) {
  const auto own = cgroup_mount("cgroup2", "/", "/sys/fs/cgroup", "rw");
  const auto host = cgroup_mount("cgroup2", "/../../..", "/host/cgroup", "rw");
  const auto part = cgroup_mount("cgroup2", "/../../../kubepods", "/host/kubepods", "rw");
  EXPECT_EQ(chosen({own, host, part}), Paths{"/host/cgroup"});
  EXPECT_EQ(chosen({part, host, own}), Paths{"/host/cgroup"});
  const auto subtree = cgroup_mount("cgroup2", "/kubepods/pod1/x", "/sys/fs/cgroup", "rw");
  const auto top = cgroup_mount("cgroup2", "/", "/host/cgroup", "rw");
  EXPECT_EQ(chosen({subtree, top}), Paths{"/host/cgroup"});
}

TEST(ChooseHierarchies, OfEqualViewsThePreferredOne) {
  const auto first = cgroup_mount("cgroup", "/", "/a", "rw,pids");
  const auto second = cgroup_mount("cgroup", "/", "/b", "rw,pids");
  EXPECT_EQ(chosen({first, second}), Paths{"/a"});
  EXPECT_EQ(chosen({first, second}, {"/b"}), Paths{"/b"});
}

// A tree that looks like a hierarchy.
TEST(CgroupCollector, FindsContainersWithTheProcessesOfTheirChildCgroups) {
  const TempTree tree;
  tree.file("cgroup.procs", "1\n");
  tree.file("system.slice/cgroup.procs", "2\n");
  tree.file("system.slice/docker-" + kA + ".scope/cgroup.procs", "10\n0\n11\n");
  tree.file("system.slice/docker-" + kA + ".scope/init.scope/cgroup.procs", "12\n");
  tree.file("system.slice/docker-" + kA + ".scope/docker/" + kB + "/cgroup.procs", "13\n");
  tree.file("web/cgroup.procs", "");
  tree.file("conmon/cgroup.procs", "20\n");
  const FakeIds ids("web");
  CgroupCollector collector(&ids);
  collector.walk(CgroupHierarchy{Kind::unified, "/", tree.path()});
  auto found = collector.take();
  std::sort(found.begin(), found.end(), [](const auto& left, const auto& right) {
    return left.container_id < right.container_id;
  });
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].container_id, kA);
  EXPECT_EQ(found[0].directory, tree / "system.slice/docker-" + kA + ".scope");
  EXPECT_EQ(found[0].pids, (std::vector<pid_t>{10, 11, 12}));
  EXPECT_EQ(found[1].container_id, kB);
  EXPECT_EQ(found[1].pids, (std::vector<pid_t>{13}));
  EXPECT_EQ(found[2].container_id, "web");
  EXPECT_TRUE(found[2].pids.empty());
}

TEST(CgroupCollector, MergesHierarchies) {
  const TempTree tree;
  tree.file("unified/docker/" + kA + "/cgroup.procs", "");
  tree.file("pids/docker/" + kA + "/cgroup.procs", "10\n11\n");
  tree.file("pids/docker/" + kB + "/cgroup.procs", "12\n");
  tree.file("systemd/docker/" + kA + "/cgroup.procs", "10\n11\n14\n");
  CgroupCollector collector(nullptr);
  collector.walk(CgroupHierarchy{Kind::unified, "/", tree / "unified"});
  collector.walk(CgroupHierarchy{Kind::pids, "/", tree / "pids"});
  collector.walk(CgroupHierarchy{Kind::systemd, "/", tree / "systemd"});
  const auto found = collector.take();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].container_id, kA);
  EXPECT_EQ(found[0].directory, tree / "unified/docker/" + kA);
  EXPECT_EQ(found[0].pids, (std::vector<pid_t>{10, 11, 14}));
  EXPECT_EQ(found[1].pids, (std::vector<pid_t>{12}));
}

TEST(CgroupCollector, AMountOfASubtreeKeepsItsPlace) {
  const TempTree tree;
  tree.file("cgroup.procs", "5\n");
  CgroupCollector collector(nullptr);
  collector.walk(CgroupHierarchy{Kind::pids, "/../docker/" + kA, tree.path()});
  const auto found = collector.take();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].container_id, kA);
  EXPECT_EQ(found[0].directory, tree.path());
}

TEST(CgroupCollector, ForeignProcsTextAndMissingFiles) {
  const TempTree tree;
  tree.file("docker/" + kA + "/cgroup.procs", "x\n-4\n99999999999999\n7 8\n\n9");
  tree.directory("docker/" + kB);
  CgroupCollector collector(nullptr);
  collector.walk(CgroupHierarchy{Kind::pids, "/", tree.path()});
  collector.walk(CgroupHierarchy{Kind::pids, "/", tree / "gone"});
  auto found = collector.take();
  ASSERT_EQ(found.size(), 2U);
  if (found[0].container_id != kA) std::swap(found[0], found[1]);
  EXPECT_EQ(found[0].pids, (std::vector<pid_t>{7, 9}));
  EXPECT_TRUE(found[1].pids.empty());
}

TEST(CgroupCollector, DepthTakesNoDescriptors) {
  const TempTree tree;
  std::string deepest;
  for (int i = 0; i < 500; ++i) deepest += "/d";
  tree.file(deepest.substr(1) + "/cgroup.procs", "7\n");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  CgroupCollector collector(nullptr);
  collector.walk(CgroupHierarchy{Kind::unified, "/docker/" + kA, tree.path()});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  const auto found = collector.take();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].pids, (std::vector<pid_t>{7}));
}

// The kernel's own hierarchies.
class RealCgroups : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file("/proc/self/mountinfo");
    std::stringstream text;
    text << file.rdbuf();
    hierarchies_ = choose_hierarchies(parse_mountinfo(text.str()), {});
    if (geteuid() != 0 || hierarchies_.empty()) {
      GTEST_SKIP() << "making a cgroup needs root and a mounted hierarchy";
    }
    id_ = kB.substr(0, 64 - 8);
    const std::string pid = std::to_string(getpid());
    id_ += std::string(8 - pid.size(), '0') + pid;
  }
  void TearDown() override {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    // An emptied cgroup may be busy for a moment.
    for (int tries = 0; tries < 100 && !made_.empty() && rmdir(made_.c_str()) != 0; ++tries) {
      usleep(10000);
    }
  }

  // A container's cgroup in one hierarchy, with a child process in it.
  void make_container(const CgroupHierarchy& hierarchy) {
    made_ = hierarchy.directory + "/libpod-" + id_;
    ASSERT_EQ(mkdir(made_.c_str(), 0755), 0) << made_ << ": " << strerror(errno);
    child_ = fork();
    if (child_ == 0) {
      pause();
      _exit(0);
    }
    std::ofstream procs(made_ + "/cgroup.procs");
    procs << child_ << std::flush;
    ASSERT_TRUE(procs.good()) << made_;
  }

  void expect_found() {
    const auto found = find_container_cgroups(nullptr);
    ASSERT_TRUE(found.ok()) << found.error().message();
    const auto mine = std::find_if(found->begin(), found->end(), [&](const auto& container) {
      return container.container_id == id_;
    });
    ASSERT_NE(mine, found->end()) << made_;
    EXPECT_EQ(mine->directory, made_);
    EXPECT_EQ(mine->pids, (std::vector<pid_t>{child_}));
  }

  std::vector<CgroupHierarchy> hierarchies_;
  std::string id_;
  std::string made_;
  pid_t child_ = -1;
};

// Named and controller-less hierarchies, which libcgroup does not list, are the last and the first.
TEST_F(RealCgroups, FoundInTheFirstHierarchy) {
  make_container(hierarchies_.front());
  expect_found();
}

TEST_F(RealCgroups, FoundInTheLastHierarchy) {
  make_container(hierarchies_.back());
  expect_found();
}

TEST_F(RealCgroups, ManyThreadsAtOnce) {
  make_container(hierarchies_.front());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) expect_found();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace holdfast
