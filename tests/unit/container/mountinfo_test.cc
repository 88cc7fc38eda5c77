#include "container/mountinfo.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

namespace holdfast {
namespace {

TEST(Mountinfo, ReadsEveryField) {
  const auto mounts = parse_mountinfo(
      "36 35 98:11 /mnt1 /mnt2 rw,noatime master:1 propagate_from:7 - ext3 /dev/root "
      "rw,errors=x\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].id, 36);
  EXPECT_EQ(mounts[0].parent, 35);
  EXPECT_EQ(mounts[0].device, makedev(98, 11));
  EXPECT_EQ(mounts[0].root, "/mnt1");
  EXPECT_EQ(mounts[0].mount_point, "/mnt2");
  EXPECT_EQ(mounts[0].options, "rw,noatime");
  EXPECT_EQ(mounts[0].type, "ext3");
  EXPECT_EQ(mounts[0].source, "/dev/root");
  EXPECT_EQ(mounts[0].super_options, "rw,errors=x");
}

TEST(Mountinfo, OptionalFieldsMayBeAbsentAndTheLastLineUnended) {
  const auto mounts = parse_mountinfo(
      "1 0 0:1 / / rw - tmpfs tmpfs rw\n"
      "2 1 0:2 / /a rw shared:1 - tmpfs tmpfs rw");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[1].mount_point, "/a");
}

TEST(Mountinfo, ResolvesEscapesInPathsButNotInSuperOptions) {
  const auto mounts = parse_mountinfo(
      R"(1 0 0:1 /r\040oot /a\011b\012c\134d\043 rw - overlay so\040urce rw,lowerdir=/a\054b\134:c)");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].root, "/r oot");
  EXPECT_EQ(mounts[0].mount_point, "/a\tb\nc\\d#");
  EXPECT_EQ(mounts[0].source, "so urce");
  EXPECT_EQ(mounts[0].super_options, R"(rw,lowerdir=/a\054b\134:c)");
}

TEST(Mountinfo, UnescapesOnlyWholeOctalNumbers) {
  EXPECT_EQ(unescape_octal(R"(a\04)"), R"(a\04)");
  EXPECT_EQ(unescape_octal(R"(\480\x40\)"), R"(\480\x40\)");
  EXPECT_EQ(unescape_octal(R"(\377\400)"), "\377\\400");
  EXPECT_EQ(unescape_octal(R"(\134040)"), R"(\040)") << "resolved once, not twice";
}

TEST(Mountinfo, SourceMayBeEmptyOrMissing) {
  const auto mounts = parse_mountinfo(
      "1 0 0:1 / /a rw - tmpfs  rw,size=4k\n"
      "2 0 0:1 / /b rw - tmpfs rw,size=8k\n");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].source, "");
  EXPECT_EQ(mounts[0].super_options, "rw,size=4k");
  EXPECT_EQ(mounts[1].source, "");
  EXPECT_EQ(mounts[1].super_options, "rw,size=8k");
}

TEST(Mountinfo, KeepsForeignRoots) {
  const auto mounts =
      parse_mountinfo("9 1 0:4 net:[4026531992] /run/netns/x rw shared:9 - nsfs nsfs rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].root, "net:[4026531992]");
}

TEST(Mountinfo, LeavesMalformedLinesOut) {
  const auto mounts = parse_mountinfo(
      "\n"
      "x 0 0:1 / /bad-id rw - tmpfs tmpfs rw\n"
      "1 0 01 / /bad-device rw - tmpfs tmpfs rw\n"
      "1 0 0:1x / /bad-minor rw - tmpfs tmpfs rw\n"
      "99999999999999 0 0:1 / /overflow rw - tmpfs tmpfs rw\n"
      "1 0 0:1 / /no-dash rw shared:1 tmpfs tmpfs rw\n"
      "1 0 0:1 / /short rw -\n"
      "1 0 0:1\n"
      "7 0 0:1 / /good rw - tmpfs tmpfs rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].id, 7);
}

TEST(Mountinfo, SurvivesForeignBytes) {
  const std::string line = "36 35 98:0 /m\\040 /n rw master:1 - overlay none rw,lowerdir=/a:/b\n";
  std::mt19937 random(7);  // NOLINT: the same bytes in every run
  for (int round = 0; round < 20000; ++round) {
    std::string text = line;
    for (int i = 0; i < 4; ++i) text[random() % text.size()] = static_cast<char>(random());
    text.resize(random() % (text.size() + 1));
    EXPECT_LE(parse_mountinfo(text).size(), 5U);
  }
}

TEST(Mountinfo, ReadsThisProcessesOwn) {
  std::ifstream file("/proc/self/mountinfo");
  std::stringstream text;
  text << file.rdbuf();
  const std::string lines = text.str();
  const auto mounts = parse_mountinfo(lines);
  EXPECT_EQ(mounts.size(), static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n')));
  const auto proc = std::find_if(mounts.begin(), mounts.end(),
                                 [](const Mount& mount) { return mount.mount_point == "/proc"; });
  ASSERT_NE(proc, mounts.end());
  struct stat st {};
  ASSERT_EQ(stat("/proc", &st), 0);
  EXPECT_EQ(proc->device, st.st_dev);
}

}  // namespace
}  // namespace holdfast
