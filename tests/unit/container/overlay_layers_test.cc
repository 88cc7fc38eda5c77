#include "container/overlay_layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "temp_tree.h"

namespace holdfast {
namespace {

using Paths = std::vector<std::string>;

Mount overlay(const std::string& options, const std::string& mount_point = "/merged") {
  Mount mount;
  mount.type = "overlay";
  mount.mount_point = mount_point;
  mount.super_options = "rw," + options;
  return mount;
}

TEST(OverlayLayers, AbsoluteList) {
  const TempTree tree;
  for (const char* name : {"top", "base", "up", "work"}) tree.directory(name);
  const auto layers = overlay_layers(
      overlay("lowerdir=/top:/base,upperdir=/up,workdir=/work,index=off"), tree.path());
  ASSERT_TRUE(layers.ok()) << layers.error().message();
  EXPECT_EQ(layers->lower, (Paths{tree / "top", tree / "base"}));
  EXPECT_EQ(layers->data_only, Paths{});
  EXPECT_EQ(layers->upper, tree / "up");
  EXPECT_FALSE(layers->user_xattr);
}

TEST(OverlayLayers, ReadOnlyHasNoUpper) {
  const TempTree tree;
  tree.directory("a");
  tree.directory("b");
  const auto layers = overlay_layers(overlay("lowerdir=/a:/b,userxattr"), tree.path());
  ASSERT_TRUE(layers.ok());
  EXPECT_EQ(layers->upper, "");
  EXPECT_TRUE(layers->user_xattr);
}

TEST(OverlayLayers, EscapedColonsCommasAndOctals) {
  const TempTree tree;
  for (const char* name : {"a:b", "c,d", "e f", "g\\h", "u:p"}) tree.directory(name);
  const auto layers = overlay_layers(
      overlay(R"(lowerdir=/a\134:b:/c\134\054d:/e\040f:/g\134\134h,upperdir=/u:p,workdir=/w)"),
      tree.path());
  ASSERT_TRUE(layers.ok()) << layers.error().message();
  EXPECT_EQ(layers->lower, (Paths{tree / "a:b", tree / "c,d", tree / "e f", tree / "g\\h"}));
  EXPECT_EQ(layers->upper, tree / "u:p");
}

TEST(OverlayLayers, AppendedLayersAreVerbatim) {
  const TempTree tree;
  for (const char* name : {"a:b", "c\\d", "data:1", "data2"}) tree.directory(name);
  const auto layers = overlay_layers(
      overlay(R"(lowerdir+=/a\072b,lowerdir+=/c\134d,datadir+=/data\0721,datadir+=/data2)"),
      tree.path());
  ASSERT_TRUE(layers.ok()) << layers.error().message();
  EXPECT_EQ(layers->lower, (Paths{tree / "a:b", tree / "c\\d"}));
  EXPECT_EQ(layers->data_only, (Paths{tree / "data:1", tree / "data2"}));
}

TEST(OverlayLayers, DataOnlyLayersAfterTwoColons) {
  const TempTree tree;
  for (const char* name : {"a", "b", "d1", "d2"}) tree.directory(name);
  const auto layers = overlay_layers(overlay("lowerdir=/a:/b::/d1::/d2"), tree.path());
  ASSERT_TRUE(layers.ok());
  EXPECT_EQ(layers->lower, (Paths{tree / "a", tree / "b"}));
  EXPECT_EQ(layers->data_only, (Paths{tree / "d1", tree / "d2"}));
}

TEST(OverlayLayers, ContainerdsEntriesRelativeToTheSnapshotRoot) {
  const TempTree tree;
  const std::string snapshots = "/var/lib/containerd/snapshotter/snapshots";
  for (const char* id : {"1", "2"})
    tree.directory("var/lib/containerd/snapshotter/snapshots/" + std::string(id) + "/fs");
  tree.directory("var/lib/containerd/snapshotter/snapshots/9/fs");
  const auto layers = overlay_layers(overlay("lowerdir=2/fs:1/fs,upperdir=" + snapshots +
                                             "/9/fs,workdir=" + snapshots + "/9/work"),
                                     tree.path());
  ASSERT_TRUE(layers.ok()) << layers.error().message();
  EXPECT_EQ(layers->lower,
            (Paths{tree.path() + snapshots + "/2/fs", tree.path() + snapshots + "/1/fs"}));
}

TEST(OverlayLayers, TheContainersOwnFilesAreNoLayers) {
  const TempTree tree;
  for (const char* name : {"s/1/fs", "s/9/fs/1/fs", "s/9/work"}) tree.directory(name);
  const auto layers =
      overlay_layers(overlay("lowerdir=1/fs,upperdir=/s/9/fs,workdir=/s/9/work"), tree.path());
  ASSERT_TRUE(layers.ok());
  EXPECT_EQ(layers->lower, (Paths{tree / "s/1/fs"}));
}

TEST(OverlayLayers, ShortLinksBelowAPrefix) {
  const TempTree tree;
  for (const char* name :
       {"data/overlay2/A/diff", "data/overlay2/B/diff", "data/overlay2/C/diff"}) {
    tree.directory(name);
  }
  tree.link("../A/diff", "data/overlay2/l/AAA");
  tree.link("../B/diff", "data/overlay2/l/BBB");
  tree.link("/data", "var/docker");
  const auto absolute = overlay_layers(
      overlay("lowerdir=/var/docker/overlay2/l/AAA:/var/docker/overlay2/l/BBB,"
              "upperdir=/var/docker/overlay2/C/diff,workdir=/var/docker/overlay2/C/work"),
      tree.path());
  ASSERT_TRUE(absolute.ok()) << absolute.error().message();
  EXPECT_EQ(absolute->lower, (Paths{tree / "data/overlay2/A/diff", tree / "data/overlay2/B/diff"}));
  EXPECT_EQ(absolute->upper, tree / "data/overlay2/C/diff");
  // Many layers: the engine changes to its directory and makes every option relative.
  const auto relative = overlay_layers(
      overlay("lowerdir=l/AAA:l/BBB,upperdir=C/diff,workdir=C/work", "/data/overlay2/C/merged"),
      tree.path());
  ASSERT_TRUE(relative.ok()) << relative.error().message();
  EXPECT_EQ(relative->lower, absolute->lower);
  EXPECT_EQ(relative->upper, absolute->upper);
}

TEST(OverlayLayers, LinksDoNotLeaveThePrefix) {
  const TempTree tree;
  tree.link("/usr", "l");
  tree.link("../../../../../../../../../usr", "m");
  for (const char* name : {"/l", "/m"}) {
    const auto layers = overlay_layers(overlay("lowerdir=" + std::string(name)), tree.path());
    EXPECT_FALSE(layers.ok()) << name;
  }
}

TEST(OverlayLayers, Errors) {
  const TempTree tree;
  tree.directory("a");
  tree.file("file", "");
  Mount mount = overlay("lowerdir=/a");
  mount.type = "fuse.fuse-overlayfs";
  const auto foreign = overlay_layers(mount, tree.path());
  ASSERT_FALSE(foreign.ok());
  EXPECT_NE(foreign.error().message().find("no overlay"), std::string::npos);
  for (const auto& [options, named] :
       {std::pair("lowerdir=/a:/gone", "/gone"), std::pair("lowerdir=/file", "/file"),
        std::pair("lowerdir=/a,upperdir=/up", "/up"), std::pair("lowerdir=/a::/data", "/data"),
        std::pair("lowerdir=rel,upperdir=/a", "rel"), std::pair("lowerdir=", "lowerdir"),
        std::pair("lowerdir=:::", "lowerdir"), std::pair("lowerdir=\\", "\\"),
        std::pair("upperdir=/a", "lowerdir"), std::pair("", "lowerdir")}) {
    const auto layers = overlay_layers(overlay(options), tree.path());
    ASSERT_FALSE(layers.ok()) << options;
    EXPECT_NE(layers.error().message().find(named), std::string::npos)
        << options << ": " << layers.error().message();
  }
}

// Mounts that the kernel made, as it shows them.
class KernelOverlay : public testing::Test {
 protected:
  void SetUp() override {
    if (!host_.mounted()) GTEST_SKIP() << "mounting an overlay needs root";
    for (const char* name : {"up", "work", "merged"}) tree().directory(name);
    merged_ = tree() / "merged";
  }
  void TearDown() override { umount2(merged_.c_str(), MNT_DETACH); }

  const TempTree& tree() const { return host_.tree(); }

  void mount_overlay(const std::string& options) {
    ASSERT_EQ(::mount("overlay", merged_.c_str(), "overlay", 0, options.c_str()), 0)
        << options << ": " << strerror(errno);
  }

  Result<OverlayLayers> layers() {
    std::ifstream file("/proc/self/mountinfo");
    std::stringstream text;
    text << file.rdbuf();
    const auto mounts = parse_mountinfo(text.str());
    const auto found = std::find_if(mounts.begin(), mounts.end(), [&](const Mount& mount) {
      return mount.mount_point == merged_;
    });
    if (found == mounts.end()) return Error{0, merged_ + " is not mounted", ""};
    return overlay_layers(*found, "");
  }

  TempMount host_;
  std::string merged_;
};

TEST_F(KernelOverlay, OddNames) {
  for (const char* name : {"a:b", "c,d", "e f", "g\\h", "i\nj\t#=k"}) tree().directory(name);
  const std::string root = tree().path();
  mount_overlay("lowerdir=" + root + "/a\\:b:" + root + "/c\\,d:" + root + "/e f:" + root +
                "/g\\\\h:" + root + "/i\nj\t#=k,upperdir=" + root + "/up,workdir=" + root +
                "/work");
  const auto found = layers();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->lower, (Paths{tree() / "a:b", tree() / "c,d", tree() / "e f", tree() / "g\\h",
                                 tree() / "i\nj\t#=k"}));
  EXPECT_EQ(found->upper, tree() / "up");
}

TEST_F(KernelOverlay, OddUpper) {
  for (const char* name : {"low", "u:p,x", "w:k"}) tree().directory(name);
  const std::string root = tree().path();
  mount_overlay("lowerdir=" + root + "/low,upperdir=" + root + "/u:p\\,x,workdir=" + root + "/w:k");
  const auto found = layers();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->upper, tree() / "u:p,x");
}

TEST_F(KernelOverlay, RelativeEntries) {
  for (const char* name : {"s/1/fs", "s/2/fs", "s/9/fs", "s/9/work"}) tree().directory(name);
  const std::string before = std::filesystem::current_path();
  std::filesystem::current_path(tree() / "s");
  mount_overlay("lowerdir=2/fs:1/fs,upperdir=" + tree().path() +
                "/s/9/fs,workdir=" + tree().path() + "/s/9/work");
  std::filesystem::current_path(before);
  const auto found = layers();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->lower, (Paths{tree() / "s/2/fs", tree() / "s/1/fs"}));
}

TEST_F(KernelOverlay, ReadOnly) {
  tree().directory("a");
  tree().directory("b");
  mount_overlay("lowerdir=" + tree().path() + "/a:" + tree().path() + "/b");
  const auto found = layers();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->lower, (Paths{tree() / "a", tree() / "b"}));
  EXPECT_EQ(found->upper, "");
}

TEST_F(KernelOverlay, AppendedAndDataOnlyLayers) {
  for (const char* name : {"a:b", "c\\d", "data,1"}) tree().directory(name);
  const int context = fsopen("overlay", FSOPEN_CLOEXEC);
  ASSERT_GE(context, 0);
  const auto set = [&](const char* key, const std::string& value) {
    return fsconfig(context, FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0;
  };
  if (!set("lowerdir+", tree() / "a:b")) {
    close(context);
    GTEST_SKIP() << "lowerdir+ needs Linux 6.8";
  }
  EXPECT_TRUE(set("lowerdir+", tree() / "c\\d"));
  EXPECT_TRUE(set("datadir+", tree() / "data,1"));
  EXPECT_TRUE(set("metacopy", "on"));
  ASSERT_EQ(fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), 0) << strerror(errno);
  const int mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
  ASSERT_GE(mount, 0);
  EXPECT_EQ(move_mount(mount, "", AT_FDCWD, merged_.c_str(), MOVE_MOUNT_F_EMPTY_PATH), 0);
  close(mount);
  close(context);
  const auto found = layers();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->lower, (Paths{tree() / "a:b", tree() / "c\\d"}));
  EXPECT_EQ(found->data_only, (Paths{tree() / "data,1"}));
}

}  // namespace
}  // namespace holdfast
