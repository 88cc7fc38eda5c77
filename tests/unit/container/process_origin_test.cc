#include "container/process_origin.h"

#include <gtest/gtest.h>

#include "container/change_time_content.h"
#include "container/shared_mapping.h"

namespace holdfast {
namespace {

TEST(ActsForHost, RunsAreForgivenToTrueHostProcessesOnly) {
  const ProcessView host{.in_container_cgroup = false, .host_mounts = true, .host_root = true};
  const ProcessView contained{.in_container_cgroup = true};
  const ProcessView own_mounts{.in_container_cgroup = false};
  const ProcessView setting_up{.in_container_cgroup = true, .host_root = true};
  const ProcessView untar{.in_container_cgroup = false, .forked_of_host = true};
  const ProcessView nsenter{.in_container_cgroup = true, .host_mounts = true};
  const ProcessView copied{.in_container_cgroup = true, .forked_of_host = true};
  for (const auto& [view, run, write] :
       {std::tuple(host, true, true), std::tuple(contained, false, false),
        std::tuple(own_mounts, false, false), std::tuple(setting_up, false, true),
        std::tuple(untar, false, true), std::tuple(nsenter, false, false),
        std::tuple(copied, false, false)}) {
    EXPECT_EQ(acts_for_host(view, Intent::run), run);
    EXPECT_EQ(acts_for_host(view, Intent::write), write);
  }
}

TEST(SharedMapping, OnlyWritableAndShared) {
  const std::string maps =
      "7f00-7f01 r--p 00000000 00:2f 11 /bin/a\n"
      "7f01-7f02 rw-p 00000000 00:2f 12 /bin/b\n"
      "7f02-7f03 r--s 00000000 00:2f 13 /bin/c\n"
      "7f03-7f04 rw-s 00001000 00:2f 14                         /tmp/x y\n"
      "7f04-7f05 rwxs 00000000 00:2f 15 /tmp/z\n";
  for (const ino_t inode : {11, 12, 13, 16}) {
    EXPECT_FALSE(maps_inode_shared_writable(maps, {inode})) << inode;
  }
  EXPECT_TRUE(maps_inode_shared_writable(maps, {14}));
  EXPECT_TRUE(maps_inode_shared_writable(maps, {99, 15}));
  EXPECT_FALSE(maps_inode_shared_writable("", {14}));
  EXPECT_FALSE(maps_inode_shared_writable("7f03 rw-s\nrw-s rw-s rw-s\n\n", {14}));
}

TEST(ChangeTimeContent, WhatChangedSinceTheCreationIsDrift) {
  const auto at = [](std::int64_t birth_s, std::int64_t change_s) {
    FileStat file{};
    file.stx_mask = STATX_BASIC_STATS | STATX_BTIME;
    file.stx_mode = S_IFREG | 0755;
    file.stx_btime.tv_sec = birth_s;
    file.stx_ctime.tv_sec = change_s;
    return file;
  };
  ChangeTimeContent content(100 * 1'000'000'000LL);
  EXPECT_TRUE(content.certainly_image(at(50, 60)));
  EXPECT_EQ(content.judge(at(50, 60), "/x").origin, Judgement::Origin::image);
  const Judgement changed = content.judge(at(50, 100), "/x");
  EXPECT_EQ(changed.origin, Judgement::Origin::drift);
  EXPECT_TRUE(changed.had_original);
  EXPECT_FALSE(content.judge(at(101, 101), "/x").had_original);
  EXPECT_TRUE(content.original(at(50, 100), "/x").executable);
  EXPECT_FALSE(content.original(at(101, 101), "/x").exists);
}

}  // namespace
}  // namespace holdfast
