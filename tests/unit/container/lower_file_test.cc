#include "container/lower_file.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <array>
#include <functional>

#include "temp_tree.h"

namespace holdfast {
namespace {

using Lookup = BeneathLookup;

struct statx stat_at(const std::string& path) {
  struct statx stx {};
  EXPECT_EQ(
      statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &stx), 0)
      << path;
  return stx;
}

class LowerLayersTest : public testing::TestWithParam<Lookup> {
 protected:
  static OverlayLayers layers_of(const TempTree& tree) {
    OverlayLayers layers;
    for (const char* name : {"top", "mid", "base"}) {
      tree.directory(name);
      layers.lower.push_back(tree / name);
    }
    return layers;
  }
  static LowerLayers open(const OverlayLayers& layers) {
    auto opened = LowerLayers::open(layers, GetParam());
    EXPECT_TRUE(opened.ok()) << opened.error().message();
    return std::move(*opened);
  }
  LowerLayers open() const { return open(layers_of(tree_)); }

  TempTree tree_;
};

TEST_P(LowerLayersTest, OriginalIsTheTopmostRegularFile) {
  tree_.file("mid/usr/bin/x", "mid");
  tree_.file("base/usr/bin/x", "base, longer");
  tree_.file("base/usr/bin/y", "y");
  tree_.directory("top/usr/bin");
  const LowerLayers lower = open();
  const auto x = lower.original("/usr/bin/x");
  ASSERT_TRUE(x.has_value());
  EXPECT_EQ(x->layer, 1);
  EXPECT_EQ(x->stx.stx_ino, stat_at(tree_ / "mid/usr/bin/x").stx_ino);
  EXPECT_EQ(lower.original("/usr/bin/y")->layer, 2);
  EXPECT_FALSE(lower.original("/usr/bin/z"));
  EXPECT_FALSE(lower.original("/usr/bin")) << "a directory";
}

TEST_P(LowerLayersTest, OpensTheOriginalForReading) {
  tree_.file("mid/etc/conf", "image content");
  const LowerLayers lower = open();
  const auto file = lower.open_original("/etc/conf");
  ASSERT_TRUE(file.ok()) << file.error().message();
  std::array<char, 64> text;
  EXPECT_EQ(read(file->get(), text.data(), text.size()), 13);
  EXPECT_NE(fcntl(file->get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(fcntl(file->get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  const auto gone = lower.open_original("/etc/gone");
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, ENOENT);
  EXPECT_EQ(lower.open_original("etc/conf").error().code, EINVAL);
}

TEST_P(LowerLayersTest, SameBirthToTheNanosecondInAnyLayer) {
  tree_.file("mid/x", "mid");
  const struct statx mid = stat_at(tree_ / "mid/x");
  ASSERT_NE(mid.stx_mask & STATX_BTIME, 0U) << "the test directory tells no birth times";
  struct statx base {};
  do {  // files of one tick of the kernel's clock are born at the same nanosecond
    std::filesystem::remove(tree_ / "base/x");
    tree_.file("base/x", "base");
    base = stat_at(tree_ / "base/x");
  } while (base.stx_btime.tv_nsec == mid.stx_btime.tv_nsec);
  tree_.directory("top/x.d");
  const LowerLayers lower = open();
  ASSERT_TRUE(lower.same_birth("/x", base.stx_btime).has_value());
  EXPECT_EQ(lower.same_birth("/x", base.stx_btime)->layer, 2);
  EXPECT_EQ(lower.same_birth("/x", mid.stx_btime)->layer, 1);
  struct statx_timestamp off = base.stx_btime;
  off.tv_nsec ^= 1;
  EXPECT_FALSE(lower.same_birth("/x", off));
  off = base.stx_btime;
  off.tv_sec += 1;
  EXPECT_FALSE(lower.same_birth("/x", off));
  EXPECT_FALSE(lower.same_birth("/y", base.stx_btime));
  EXPECT_FALSE(lower.same_birth("/x.d", stat_at(tree_ / "top/x.d").stx_btime)) << "no regular file";
}

TEST_P(LowerLayersTest, FollowsNoLinks) {
  tree_.file("outside", "secret");
  tree_.file("base/dir/x", "x");
  tree_.link("dir", "base/in");
  tree_.link(tree_ / "outside", "base/abs");
  tree_.link("../outside", "base/up");
  tree_.link("dir/x", "base/last");
  tree_.link("/", "base/root");
  const LowerLayers lower = open();
  const struct statx x = stat_at(tree_ / "base/dir/x");
  const struct statx outside = stat_at(tree_ / "outside");
  for (const std::string path : {"/in/x", "/abs", "/up", "/last"}) {
    EXPECT_FALSE(lower.original(path)) << path;
    EXPECT_FALSE(lower.open_original(path).ok()) << path;
    EXPECT_FALSE(lower.same_birth(path, x.stx_btime)) << path;
    EXPECT_FALSE(lower.same_birth(path, outside.stx_btime)) << path;
  }
  EXPECT_FALSE(lower.same_birth("/root" + (tree_ / "outside"), outside.stx_btime));
}

TEST_P(LowerLayersTest, RejectsPathsThatAreNotCanonical) {
  tree_.file("outside", "secret");
  tree_.file("base/dir/x", "x");
  const LowerLayers lower = open();
  const struct statx x = stat_at(tree_ / "base/dir/x");
  ASSERT_TRUE(lower.original("/dir/x"));
  for (const std::string_view path :
       {std::string_view(""), std::string_view("/"), std::string_view("dir/x"),
        std::string_view("//dir/x"), std::string_view("/dir//x"), std::string_view("/dir/x/"),
        std::string_view("/dir/./x"), std::string_view("/dir/../dir/x"),
        std::string_view("/../outside"), std::string_view("/.."), std::string_view("/."),
        std::string_view("/dir/x\0", 7)}) {
    EXPECT_FALSE(lower.original(path)) << path;
    EXPECT_FALSE(lower.same_birth(path, x.stx_btime)) << path;
  }
  const std::string endless = "/" + std::string(5000, 'a');
  EXPECT_FALSE(lower.original(endless));
  EXPECT_FALSE(lower.original("/dir (deleted)"));
}

TEST_P(LowerLayersTest, OtherKindsOfFilesHideWhatIsBelow) {
  tree_.file("base/a/b/x", "x");
  tree_.file("base/c/x", "x");
  tree_.file("base/d/x", "x");
  tree_.file("base/e", "x");
  tree_.file("base/f", "x");
  tree_.file("mid/a/b", "a file where a directory is below");
  tree_.link("/elsewhere", "top/c");
  tree_.directory("top/e");
  ASSERT_EQ(mkfifo((tree_ / "mid/f").c_str(), 0600), 0);
  // A directory above joins the one below even where a file lies between.
  tree_.directory("top/d");
  tree_.file("mid/d", "between");
  const LowerLayers lower = open();
  EXPECT_FALSE(lower.original("/a/b/x"));
  EXPECT_EQ(lower.original("/a/b")->layer, 1);
  EXPECT_FALSE(lower.original("/c/x"));
  EXPECT_FALSE(lower.original("/d/x")) << "the file between ends the merge";
  EXPECT_FALSE(lower.original("/e"));
  EXPECT_FALSE(lower.original("/f"));
}

TEST_P(LowerLayersTest, NewerThan) {
  const LowerLayers lower = open();
  const struct statx base = stat_at(tree_ / "base");
  ASSERT_NE(base.stx_mask & STATX_BTIME, 0U);
  EXPECT_TRUE(lower.newer_than(base.stx_btime)) << "born at that very time";
  struct statx_timestamp time = base.stx_btime;
  time.tv_sec += 1;
  EXPECT_FALSE(lower.newer_than(time));
  time.tv_sec -= 2;
  EXPECT_TRUE(lower.newer_than(time));
}

TEST_P(LowerLayersTest, OpenErrors) {
  OverlayLayers layers = layers_of(tree_);
  layers.lower.push_back(tree_ / "gone");
  const auto gone = LowerLayers::open(layers, GetParam());
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, ENOENT);
  EXPECT_NE(gone.error().message().find("gone"), std::string::npos);
  tree_.file("file", "");
  layers.lower = {tree_ / "file"};
  EXPECT_EQ(LowerLayers::open(layers, GetParam()).error().code, ENOTDIR);
  EXPECT_FALSE(LowerLayers::open(OverlayLayers{}, GetParam()).ok());
}

// Whiteouts and opaque marks need root, and a file system that holds them.
class LowerMarks : public LowerLayersTest {
 protected:
  void SetUp() override {
    if (!host_.mounted()) GTEST_SKIP() << "whiteouts and trusted attributes need root";
  }
  const TempTree& tree() const { return host_.tree(); }
  LowerLayers open_marked() const { return open(layers_of(tree())); }
  void whiteout(const std::string& name) const {
    tree().directory(std::filesystem::path(name).parent_path());
    ASSERT_EQ(mknod((tree() / name).c_str(), S_IFCHR, makedev(0, 0)), 0) << name;
  }
  void mark(const std::string& name, const char* attribute, const std::string& value) const {
    ASSERT_EQ(setxattr((tree() / name).c_str(), attribute, value.data(), value.size(), 0), 0)
        << name << ' ' << attribute << ": " << strerror(errno);
  }

  TempMount host_;
};

TEST_P(LowerMarks, Whiteouts) {
  tree().file("base/a/x", "x");
  tree().file("base/b/c/x", "x");
  tree().file("base/kept", "x");
  whiteout("mid/a/x");
  whiteout("mid/b");
  tree().file("top/a/x", "back again");
  const LowerLayers lower = open_marked();
  EXPECT_EQ(lower.original("/a/x")->layer, 0);
  EXPECT_FALSE(lower.original("/b/c/x"));
  EXPECT_TRUE(lower.original("/kept"));
  std::filesystem::remove(tree() / "top/a/x");
  EXPECT_FALSE(lower.original("/a/x"));
}

TEST_P(LowerMarks, OpaqueDirectories) {
  tree().file("base/a/b/x", "x");
  tree().file("base/a/y", "y");
  tree().file("mid/a/b/own", "own");
  tree().file("base/c/x", "x");
  tree().file("mid/c/own", "own");
  mark("mid/a/b", "trusted.overlay.opaque", "y");
  mark("mid/c", "trusted.overlay.opaque", "x");
  const LowerLayers lower = open_marked();
  EXPECT_FALSE(lower.original("/a/b/x"));
  EXPECT_EQ(lower.original("/a/b/own")->layer, 1);
  EXPECT_EQ(lower.original("/a/y")->layer, 2);
  EXPECT_TRUE(lower.original("/c/x")) << "\"x\" says that there are whiteouts inside, no more";
  EXPECT_EQ(lower.original("/a/y")->layer, 2) << "asked again";
  mark("mid/a", "trusted.overlay.opaque", "y");
  EXPECT_FALSE(open_marked().original("/a/y"));
}

TEST_P(LowerMarks, WhiteoutsByAttribute) {
  tree().file("base/a/x", "x");
  tree().file("mid/a/x", "");
  tree().file("mid/a/empty", "");
  mark("mid/a", "trusted.overlay.opaque", "x");
  mark("mid/a/x", "trusted.overlay.whiteout", "");
  const LowerLayers lower = open_marked();
  EXPECT_FALSE(lower.original("/a/x"));
  EXPECT_TRUE(lower.original("/a/empty"));
}

TEST_P(LowerMarks, UserAttributesOnlyWhereTheMountUsesThem) {
  tree().file("base/a/x", "x");
  tree().directory("mid/a");
  if (setxattr((tree() / "mid/a").c_str(), "user.overlay.opaque", "y", 1, 0) != 0) {
    GTEST_SKIP() << "user attributes on tmpfs need Linux 6.6";
  }
  OverlayLayers layers = layers_of(tree());
  EXPECT_TRUE(open(layers).original("/a/x"));
  layers.user_xattr = true;
  EXPECT_FALSE(open(layers).original("/a/x"));
}

// What the kernel's overlay shows is the measure.
TEST_P(LowerMarks, AgreesWithTheKernel) {
  const std::array<const char*, 3> names = {"top", "mid", "base"};
  unsigned int seed = 1;
  const auto random = [&](unsigned int below) {
    seed = seed * 1103515245 + 12345;
    return (seed >> 16) % below;
  };
  std::vector<std::string> paths;
  for (const char* a : {"a", "b"}) {
    for (const char* b : {"c", "d"}) {
      for (const char* c : {"e", "f"}) {
        paths.push_back(std::string("/") + a + '/' + b + '/' + c);
      }
    }
  }
  int present = 0;
  for (int round = 0; round < 60; ++round) {
    for (const char* name : names) {
      std::filesystem::remove_all(tree() / name);
      tree().directory(name);
      const std::function<void(const std::string&, int)> fill = [&](const std::string& directory,
                                                                    int depth) {
        for (const char* entry : {depth == 0   ? "a"
                                  : depth == 1 ? "c"
                                               : "e",
                                  depth == 0   ? "b"
                                  : depth == 1 ? "d"
                                               : "f"}) {
          const std::string path = directory + '/' + entry;
          const unsigned int dice = random(depth == 2 ? 4 : 10);
          if (dice == 0) {
            tree().file(path, name);
          } else if (dice == 1) {
            whiteout(path);
          } else if (dice > 2 && depth < 2) {
            tree().directory(path);
            if (random(5) == 0) mark(path, "trusted.overlay.opaque", "y");
            fill(path, depth + 1);
          } else if (dice == 3) {
            tree().file(path, name);
          }
        }
      };
      fill(name, 0);
    }
    const LowerLayers lower = open_marked();
    tree().directory("merged");
    const std::string options =
        "lowerdir=" + (tree() / "top") + ":" + (tree() / "mid") + ":" + (tree() / "base");
    ASSERT_EQ(::mount("overlay", (tree() / "merged").c_str(), "overlay", 0, options.c_str()), 0)
        << strerror(errno);
    for (const std::string& path : paths) {
      for (std::string part = path; !part.empty(); part.erase(part.rfind('/'))) {
        struct stat st {};
        const bool regular =
            lstat(((tree() / "merged") + part).c_str(), &st) == 0 && S_ISREG(st.st_mode);
        const auto found = lower.original(part);
        ASSERT_EQ(found.has_value(), regular) << part << " in round " << round;
        if (!found) continue;
        ++present;
        std::ifstream file((tree() / "merged") + part);
        std::string layer;
        file >> layer;
        EXPECT_EQ(layer, names[static_cast<std::size_t>(found->layer)]) << part;
      }
    }
    ASSERT_EQ(umount2((tree() / "merged").c_str(), 0), 0);
  }
  EXPECT_GT(present, 100) << "the trees hold too little to compare";
}

const auto kLookups = testing::Values(Lookup::openat2, Lookup::component_walk);
std::string lookup_name(const testing::TestParamInfo<Lookup>& info) {
  return info.param == Lookup::openat2 ? "Openat2" : "ComponentWalk";
}
INSTANTIATE_TEST_SUITE_P(Lookups, LowerLayersTest, kLookups, lookup_name);
INSTANTIATE_TEST_SUITE_P(Lookups, LowerMarks, kLookups, lookup_name);

}  // namespace
}  // namespace holdfast
