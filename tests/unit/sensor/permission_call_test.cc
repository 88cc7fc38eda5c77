#include "sensor/permission_call.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>

namespace holdfast {
namespace {

using Gives = PermissionCall::Gives;

std::optional<PermissionCall> asked(NotifiedCall call, std::initializer_list<std::uint64_t> args) {
  seccomp_data data{};
  std::copy(args.begin(), args.end(), data.args);
  return permission_call(call, data);
}

TEST(PermissionCallTest, EachCallHasItsRegisters) {
  const auto chmod = asked(NotifiedCall::chmod, {0x1000, 0755});
  ASSERT_TRUE(chmod);
  EXPECT_EQ(chmod->path, 0x1000U);
  EXPECT_EQ(chmod->directory, AT_FDCWD);
  EXPECT_EQ(chmod->mode, 0755U);
  EXPECT_TRUE(chmod->follow);

  const auto fchmod = asked(NotifiedCall::fchmod, {7, 0100});
  ASSERT_TRUE(fchmod);
  EXPECT_FALSE(fchmod->path);
  EXPECT_EQ(fchmod->directory, 7);

  // A 32-bit caller's AT_FDCWD, and bits that the kernel does not look at.
  const auto fchmodat =
      asked(NotifiedCall::fchmodat, {0xffffff9c, 0x1000, 0xffff0000ULL | 0755, ~0ULL});
  ASSERT_TRUE(fchmodat);
  EXPECT_EQ(fchmodat->directory, AT_FDCWD);
  EXPECT_EQ(fchmodat->mode, 0755U);
  EXPECT_TRUE(fchmodat->follow) << "it has no flags";
  EXPECT_FALSE(fchmodat->empty_path);

  const auto fchmodat2 =
      asked(NotifiedCall::fchmodat2, {5, 0x1000, 0755, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW});
  ASSERT_TRUE(fchmodat2);
  EXPECT_EQ(fchmodat2->directory, 5);
  EXPECT_TRUE(fchmodat2->empty_path);
  EXPECT_FALSE(fchmodat2->follow);
}

TEST(PermissionCallTest, OnlyExecuteBitsOfRegularFilesAreAsked) {
  EXPECT_FALSE(asked(NotifiedCall::chmod, {0x1000, 0644}));
  EXPECT_FALSE(asked(NotifiedCall::fchmod, {3, 06666}));
  EXPECT_FALSE(asked(NotifiedCall::mknod, {0x1000, S_IFIFO | 0755}));
  EXPECT_FALSE(asked(NotifiedCall::mknod, {0x1000, S_IFREG | 0644}));
  EXPECT_FALSE(asked(NotifiedCall::mount, {0x1000, 0755}));
  const auto without_type = asked(NotifiedCall::mknod, {0x1000, 0755});
  ASSERT_TRUE(without_type) << "a regular file too";
  EXPECT_EQ(without_type->gives, Gives::node);
  const auto mknodat = asked(NotifiedCall::mknodat, {4, 0x1000, S_IFREG | 01, 0});
  ASSERT_TRUE(mknodat);
  EXPECT_EQ(mknodat->directory, 4);
  EXPECT_EQ(mknodat->path, 0x1000U);
}

TEST(PermissionCallTest, AttributesAreBehindPointers) {
  const auto set = asked(NotifiedCall::setxattr, {1, 2, 3, 4, 5});
  ASSERT_TRUE(set);
  EXPECT_EQ(set->gives, Gives::acl);
  EXPECT_EQ(set->name, 2U);
  EXPECT_EQ(set->value, 3U);
  EXPECT_EQ(set->size, 4U);
  EXPECT_FALSE(asked(NotifiedCall::lsetxattr, {1, 2, 3, 4, 5})->follow);
  const auto by_descriptor = asked(NotifiedCall::fsetxattr, {9, 2, 3, 4, 5});
  EXPECT_EQ(by_descriptor->directory, 9);
  EXPECT_FALSE(by_descriptor->path);
  const auto newest = asked(NotifiedCall::setxattrat, {9, 1, AT_EMPTY_PATH, 2, 3, 16});
  EXPECT_TRUE(newest->in_structure && newest->empty_path);
  EXPECT_EQ(newest->name, 2U);
  const AttributeValue there =
      attribute_value(std::string("\x10\0\0\0\0\0\0\0\x20\0\0\0\1\0\0\0", 16));
  EXPECT_EQ(there.address, 0x10U);
  EXPECT_EQ(there.size, 0x20U);
  EXPECT_EQ(attribute_value("short").size, 0U);
}

std::string acl(std::initializer_list<std::pair<std::uint16_t, std::uint16_t>> entries,
                std::uint32_t version = 2) {
  std::string bytes(reinterpret_cast<const char*>(&version), sizeof version);
  for (const auto& [tag, bits] : entries) {
    for (const std::uint16_t half : {tag, bits, std::uint16_t{0xffff}, std::uint16_t{0xffff}})
      bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
  }
  return bytes;
}

TEST(AclTest, TheModeIsThatOfOwnerMaskAndOthers) {
  EXPECT_EQ(mode_of_acl(acl({{1, 7}, {4, 5}, {32, 5}})), 0755U);
  EXPECT_EQ(mode_of_acl(acl({{1, 6}, {4, 4}, {32, 4}})), 0644U);
  EXPECT_EQ(mode_of_acl(acl({{1, 6}, {2, 7}, {4, 7}, {16, 6}, {32, 4}})), 0664U)
      << "the mask takes the x bit of all but owner and others";
  EXPECT_EQ(mode_of_acl(acl({{1, 6}, {2, 7}, {4, 4}, {16, 7}, {32, 4}})), 0674U);
}

TEST(AclTest, WhatIsNoneGivesNothing) {
  EXPECT_EQ(mode_of_acl(""), 0U);
  EXPECT_EQ(mode_of_acl("text"), 0U);
  EXPECT_EQ(mode_of_acl(acl({{1, 7}}, 3)), 0U);
  EXPECT_EQ(mode_of_acl(acl({{1, 7}}).substr(0, 11)), 0U) << "a part of an entry";
}

}  // namespace
}  // namespace holdfast
