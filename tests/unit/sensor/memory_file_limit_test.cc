#include "sensor/memory_file_limit.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace holdfast {
namespace {

using std::chrono::milliseconds;

struct Counted {
  std::optional<std::size_t> living = 0;
  int times = 0;
  MemoryFileLimit::Count count() {
    return [this] {
      ++times;
      return living;
    };
  }
};

TEST(MemoryFileLimitTest, CountsAgainOnlyWhenTheMostCouldBeThere) {
  MemoryFileLimit limit;
  Counted counted;
  for (std::size_t i = 0; i < MemoryFileLimit::kMost; ++i)
    ASSERT_TRUE(limit.allows({}, counted.count()));
  EXPECT_EQ(counted.times, 1);
  counted.living = MemoryFileLimit::kMost;
  const MemoryFileLimit::Time later{milliseconds(200)};
  EXPECT_FALSE(limit.allows(later, counted.count()));
  EXPECT_EQ(counted.times, 2);
}

TEST(MemoryFileLimitTest, AtTheLimitItIsNotCountedForEachCall) {
  MemoryFileLimit limit;
  Counted counted{MemoryFileLimit::kMost};
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(limit.allows({}, counted.count()));
  EXPECT_EQ(counted.times, 1);
  counted.living = MemoryFileLimit::kMost - 1;
  const MemoryFileLimit::Time later = MemoryFileLimit::Time{} + MemoryFileLimit::kNextCount;
  EXPECT_TRUE(limit.allows(later, counted.count()));
  EXPECT_FALSE(limit.allows(later, counted.count()));
  EXPECT_TRUE(limit.is_first_refusal());
  EXPECT_FALSE(limit.is_first_refusal());
}

TEST(MemoryFileLimitTest, WhatCannotBeCountedIsAllowed) {
  MemoryFileLimit limit;
  Counted counted{std::nullopt};
  EXPECT_TRUE(limit.allows({}, counted.count()));
}

TEST(CountInodeMarksTest, OfOneDevice) {
  const char* const text =
      "pos:\t0\nflags:\t02\nmnt_id:\t16\nino:\t2058\nfanotify flags:34 event-flags:0\n"
      "fanotify ino:401 sdev:1 mflags:0 mask:40000 ignored_mask:0 fhandle-bytes:c fhandle-type:1\n"
      "fanotify ino:402 sdev:1 mflags:0 mask:40000 ignored_mask:0 \n"
      "fanotify ino:402 sdev:10 mflags:0 mask:40000 ignored_mask:0 \n"
      "fanotify ino:9 sdev:800003 mflags:40 mask:0 ignored_mask:10000 \n"
      "fanotify sdev:1 mflags:0 mask:10000 ignored_mask:0\n";
  EXPECT_EQ(count_inode_marks(text, makedev(0, 1)), 2U);
  EXPECT_EQ(count_inode_marks(text, makedev(8, 3)), 1U);
  EXPECT_EQ(count_inode_marks(text, makedev(0, 2)), 0U);
  EXPECT_EQ(count_inode_marks("", makedev(0, 1)), 0U);
}

}  // namespace
}  // namespace holdfast
