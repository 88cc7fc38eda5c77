#include "sensor/upper_directories.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(UpperDirectories, AnInnermostLayerOwnsAPath) {
  UpperDirectories layers;
  layers.add("/lib/1/diff", 0);
  layers.add("/lib/1/diff/var/lib/2/diff", 1);
  const auto found = layers.find("/lib/1/diff/tmp/x");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->layer, 0U);
  EXPECT_EQ(found->path, "/tmp/x");
  EXPECT_EQ(layers.find("/lib/1/diff/var/lib/2/diff/bin")->layer, 1U);
  EXPECT_EQ(layers.find("/lib/1/diff/var/lib/2/diff/bin")->path, "/bin");
  EXPECT_EQ(layers.find("/lib/1/diff")->path, "/");
  EXPECT_FALSE(layers.find("/lib/1/different"));
  EXPECT_FALSE(layers.find("/lib/1/work"));
  EXPECT_FALSE(layers.find("/"));
  EXPECT_FALSE(layers.find(""));
}

TEST(DirectoryCache, RemembersForSomeSeconds) {
  DirectoryCache cache;
  DirectoryCache::Time now{std::chrono::hours(1)};
  cache.expire(now);
  EXPECT_FALSE(cache.find("handle"));
  cache.remember("handle", DirectoryCache::kNobody);
  cache.remember("other", 3);
  cache.expire(now + std::chrono::seconds(9));
  EXPECT_EQ(cache.find("handle"), DirectoryCache::kNobody);
  EXPECT_EQ(cache.find("other"), 3U);
  cache.expire(now + std::chrono::seconds(10));
  EXPECT_FALSE(cache.find("handle"));
}

TEST(DirectoryCache, IsBounded) {
  DirectoryCache cache;
  for (std::size_t i = 0; i <= DirectoryCache::kMost; ++i) cache.remember(std::to_string(i), i);
  EXPECT_FALSE(cache.find("0"));
  EXPECT_TRUE(cache.find(std::to_string(DirectoryCache::kMost)));
}

}  // namespace
}  // namespace holdfast
