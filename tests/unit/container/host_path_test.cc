#include "container/host_path.h"

#include <gtest/gtest.h>

#include "temp_tree.h"

namespace holdfast {
namespace {

TEST(HostPath, KeepsPlainPathsAndCleansThem) {
  const TempTree tree;
  tree.directory("a/b");
  EXPECT_EQ(resolve_below(tree.path(), "/a/b"), "/a/b");
  EXPECT_EQ(resolve_below(tree.path(), "//a/./b/"), "/a/b");
  EXPECT_EQ(resolve_below(tree.path(), "/a/b/../../a"), "/a");
  EXPECT_EQ(resolve_below(tree.path(), "/"), "/");
  EXPECT_EQ(resolve_below("", tree.path() + "/a"), tree.path() + "/a");
}

TEST(HostPath, NothingThere) {
  const TempTree tree;
  tree.file("file", "x");
  EXPECT_EQ(resolve_below(tree.path(), "/a"), std::nullopt);
  EXPECT_EQ(resolve_below(tree.path(), "/file/x"), std::nullopt);
  EXPECT_EQ(resolve_below(tree.path(), "relative"), std::nullopt);
  EXPECT_EQ(resolve_below(tree.path(), ""), std::nullopt);
  EXPECT_EQ(resolve_below(tree.path(), std::string_view("/file\0x", 7)), std::nullopt);
}

TEST(HostPath, LinksStayBelowThePrefix) {
  const TempTree tree;
  tree.directory("data/docker/ID/diff");
  tree.directory("data/docker/l");
  tree.link("../ID/diff", "data/docker/l/SHORT");
  tree.link("/data/docker", "var/docker");
  tree.link("../../../../../../../../etc", "escape");
  EXPECT_EQ(resolve_below(tree.path(), "/var/docker/l/SHORT"), "/data/docker/ID/diff");
  EXPECT_EQ(resolve_below(tree.path(), "/var/docker/l/SHORT/.."), "/data/docker/ID");
  EXPECT_EQ(resolve_below(tree.path(), "/escape"), std::nullopt) << "/etc is not below the prefix";
  EXPECT_EQ(resolve_below(tree.path(), "/../../data"), "/data");
}

TEST(HostPath, EndlessLinks) {
  const TempTree tree;
  tree.link("b", "a");
  tree.link("a", "b");
  tree.link("/grow/x", "grow");
  EXPECT_EQ(resolve_below(tree.path(), "/a"), std::nullopt);
  EXPECT_EQ(resolve_below(tree.path(), "/grow"), std::nullopt);
}

}  // namespace
}  // namespace holdfast
