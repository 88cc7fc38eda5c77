#include "kernel/descriptor_table.h"

#include <gtest/gtest.h>

#include <memory>

namespace holdfast {
namespace {

constexpr auto kGroup = DescriptorKind::permission_group;

TEST(DescriptorNameTest, NamesAreReadBack) {
  for (const DescriptorKind kind : {kGroup, DescriptorKind::seccomp_listener}) {
    const DescriptorKey key = descriptor_key("block 0:41 lowerdir=/a,upperdir=/b");
    const auto named = parse_descriptor_name(descriptor_name(kind, key).data());
    ASSERT_TRUE(named);
    EXPECT_EQ(named->first, kind);
    EXPECT_EQ(named->second, key);
  }
}

TEST(DescriptorNameTest, OtherNamesAreNobodys) {
  for (const char* name :
       {"", "fanotify-", "fanotify-12", "stored", "fanotify-zz0000000000000000000000000000zz",
        "seccomp-0123456789abcdef0123456789abcdef0", "-0123456789abcdef0123456789abcdef"}) {
    EXPECT_FALSE(parse_descriptor_name(name)) << name;
  }
}

TEST(DescriptorKeyTest, OneByteMakesAnother) {
  EXPECT_EQ(descriptor_key("block a"), descriptor_key("block a"));
  EXPECT_NE(descriptor_key("block a"), descriptor_key("alert a"));
  EXPECT_NE(descriptor_key("block a"), descriptor_key("block b"));
}

class DescriptorTableTest : public testing::Test {
 protected:
  std::unique_ptr<DescriptorTable> table_ = std::make_unique<DescriptorTable>();
  const DescriptorKey key_ = descriptor_key("root");
};

TEST_F(DescriptorTableTest, ASuccessorFindsTheGroupByItsKey) {
  const auto place = table_->add(kGroup, key_, 12);
  ASSERT_TRUE(place);
  EXPECT_FALSE(table_->claim(kGroup, key_)) << "its worker lives";
  (*table_)[*place].paused = 1;
  table_->recover();
  EXPECT_FALSE(table_->claim(DescriptorKind::seccomp_listener, key_)) << "another kind";
  EXPECT_FALSE(table_->claim(kGroup, descriptor_key("other")));
  const auto claimed = table_->claim(kGroup, key_);
  ASSERT_TRUE(claimed);
  EXPECT_EQ((*table_)[*claimed].fd, 12);
  EXPECT_EQ((*table_)[*claimed].paused, 0U);
  EXPECT_FALSE(table_->claim(kGroup, key_)) << "once";
}

TEST_F(DescriptorTableTest, LeavingEntriesAreNotTakenOver) {
  const auto place = table_->add(kGroup, key_, 12);
  (*table_)[*place].state = HeldDescriptor::leaving;
  table_->recover();
  EXPECT_FALSE(table_->claim(kGroup, key_));
}

TEST_F(DescriptorTableTest, PlacesAreUsedAgain) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(table_->add(kGroup, key_, i));
  (*table_)[1].state = HeldDescriptor::free;
  EXPECT_EQ(table_->add(kGroup, key_, 9), 1U);
  EXPECT_EQ(table_->used(), 3U);
}

TEST_F(DescriptorTableTest, AFullTableSaysSo) {
  for (std::uint32_t i = 0; i < DescriptorTable::kEntries; ++i) {
    ASSERT_TRUE(table_->add(kGroup, key_, 5));
  }
  EXPECT_FALSE(table_->add(kGroup, key_, 5));
}

}  // namespace
}  // namespace holdfast
