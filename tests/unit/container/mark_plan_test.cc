#include "container/mark_plan.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

using Kind = MarkPlan::Kind;

constexpr dev_t kRoot = 50;
constexpr dev_t kHostDisk = 8;

Mount mount(const std::string& point, dev_t device, const std::string& type,
            const std::string& super_options = "rw") {
  Mount made;
  made.id = static_cast<int>(device);
  made.device = device;
  made.mount_point = point;
  made.type = type;
  made.super_options = super_options;
  return made;
}

// The only plan for a mount beside the root.
std::optional<MarkPlan> plan(const Mount& one) {
  const std::vector<MarkPlan> plans =
      plan_marks({mount("/", kRoot, "overlay"), one}, kRoot, {kHostDisk});
  EXPECT_LE(plans.size(), 1U);
  if (plans.empty()) return std::nullopt;
  return plans.front();
}

TEST(MarkPlan, OwnFilesystemsAreMarkedWholeVolumesByMount) {
  EXPECT_EQ(plan(mount("/dev/shm", 60, "tmpfs"))->kind, Kind::own);
  EXPECT_EQ(plan(mount("/data", kHostDisk, "ext4"))->kind, Kind::shared);
  EXPECT_EQ(plan(mount("/etc/hosts", kHostDisk, "ext4"))->kind, Kind::shared);
  EXPECT_EQ(plan(mount("/mnt", 61, "ext4"))->kind, Kind::own) << "a disk image it mounted itself";
}

TEST(MarkPlan, TheRootAndWhatHoldsNoFilesNeedNoMark) {
  EXPECT_FALSE(plan(mount("/again", kRoot, "overlay"))) << "a bind mount of the root";
  EXPECT_FALSE(plan(mount("/proc", 70, "proc")));
  EXPECT_FALSE(plan(mount("/sys/fs/cgroup", 71, "cgroup2")));
  EXPECT_FALSE(plan(mount("/sys/firmware", 72, "tmpfs", "ro,size=0k"))) << "a mask";
}

TEST(MarkPlan, WhatCouldHangOrDeadlockIsNotMarked) {
  for (const char* type : {"fuse.sshfs", "nfs4", "cifs", "9p", "ceph", "virtiofs"}) {
    EXPECT_EQ(plan(mount("/net", 62, type))->kind, Kind::not_markable) << type;
  }
  EXPECT_EQ(plan(mount("/nested", 63, "overlay"))->kind, Kind::not_markable);
  EXPECT_EQ(plan(mount("/dev", 6, "devtmpfs"))->kind, Kind::not_markable);
}

TEST(MarkPlan, NothingIsLookedUpBelowAMountThatMayNotAnswer) {
  const std::vector<MarkPlan> plans =
      plan_marks({mount("/", kRoot, "overlay"), mount("/net", 62, "fuse"),
                  mount("/net/x", 63, "tmpfs"), mount("/network", 64, "tmpfs")},
                 kRoot, {});
  ASSERT_EQ(plans.size(), 3U);
  EXPECT_EQ(plans[1].kind, Kind::not_markable);
  EXPECT_EQ(plans[2].kind, Kind::own);
}

TEST(MarkPlan, AReadOnlyFileIsTheHostsUnlessTheContainerCanWriteItElsewhere) {
  Mount init = mount("/sbin/init", kHostDisk, "ext4");
  init.options = "ro,relatime";
  init.root = "/usr/bin/docker-init";
  Mount data = mount("/data", kHostDisk, "ext4");
  data.options = "rw,relatime";
  data.root = "/srv/data";
  const auto read_only = [&] {
    return plan_marks({mount("/", kRoot, "overlay"), data, init}, kRoot, {kHostDisk})[1].read_only;
  };
  EXPECT_TRUE(read_only());
  init.root = "/srv/data/x";
  EXPECT_FALSE(read_only()) << "a bind mount of a volume's file";
  init.root = "/usr/bin/docker-init";
  init.options = "rw";
  EXPECT_FALSE(read_only());
}

TEST(MarkPlan, ARootThatIsNoOverlaySharesItsFilesystemWithVolumes) {
  const std::vector<MarkPlan> plans = plan_marks(
      {mount("/", kHostDisk, "ext4"), mount("/data", kHostDisk, "ext4")}, 0, {kHostDisk});
  ASSERT_EQ(plans.size(), 1U);
  EXPECT_EQ(plans[0].mount_point, "/data");
}

}  // namespace
}  // namespace holdfast
