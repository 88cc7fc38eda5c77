#include "alert/proc_text.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

constexpr char kTail[] =
    " S 41 42 43 34816 42 4194304 90 0 0 0 0 0 0 0 20 0 1 0 2500 2523136 100 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n";

TEST(ParseProcStat, ReadsTheFields) {
  const auto stat = parse_proc_stat(std::string("57 (cp)") + kTail);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 57);
  EXPECT_EQ(stat->name, "cp");
  EXPECT_EQ(stat->parent, 41);
  EXPECT_EQ(stat->group, 42);
  EXPECT_EQ(stat->session, 43);
  EXPECT_EQ(stat->tty, 34816U);
  EXPECT_EQ(stat->start_ticks, 2500U);
}

TEST(ParseProcStat, NameMayHoldAnything) {
  for (const std::string name : {"a b", "a) S 1 1 1 (b", "))((", "", "x\n) R 9 9", "\xff\xfe"}) {
    const auto stat = parse_proc_stat("57 (" + name + ")" + kTail);
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(stat->name, name);
    EXPECT_EQ(stat->parent, 41) << name;
    EXPECT_EQ(stat->start_ticks, 2500U) << name;
  }
}

TEST(ParseProcStat, RefusesBadText) {
  for (const char* text : {"", "57", "57 (cp", "57 cp)", "(cp) S 1 1 1 0", "x (cp) S 1 1 1 0",
                           "57 (cp) S 1 1 1 0 1 2 3", "57 (cp) S a b c d", ") (", "57 ()"}) {
    EXPECT_FALSE(parse_proc_stat(text)) << text;
  }
}

TEST(ParseProcStatus, TakesTheEffectiveIds) {
  const auto status = parse_proc_status(
      "Name:\tTgid:\nUmask:\t0022\nTgid:\t57\nNgid:\t0\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->thread_group, 57);
  EXPECT_EQ(status->effective_uid, 2U);
  EXPECT_EQ(status->effective_gid, 6U);
}

TEST(ParseProcStatus, BadText) {
  EXPECT_FALSE(parse_proc_status(""));
  EXPECT_FALSE(parse_proc_status("Name:\tcp\n"));
  EXPECT_FALSE(parse_proc_status("Tgid:\tx\n"));
  const auto status = parse_proc_status("Tgid:\t5\nUid:\t1\nGid:\t1\t-4\n");
  ASSERT_TRUE(status);
  EXPECT_FALSE(status->effective_uid);
  EXPECT_FALSE(status->effective_gid);
}

TEST(ParseCmdline, KeepsInnerEmptyArguments) {
  using namespace std::string_literals;
  EXPECT_EQ(parse_cmdline("cp\0\0a b\0"s, 64, 1024), (std::vector<std::string>{"cp", "", "a b"}));
  EXPECT_EQ(parse_cmdline("no line end"s, 64, 1024), std::vector<std::string>{"no line end"});
  EXPECT_EQ(parse_cmdline("title\0\0\0\0"s, 64, 1024), std::vector<std::string>{"title"});
  EXPECT_TRUE(parse_cmdline("", 64, 1024).empty());
  EXPECT_TRUE(parse_cmdline("\0\0"s, 64, 1024).empty());
}

TEST(ParseCmdline, IsBounded) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += std::string(50, 'a') + '\0';
  const auto args = parse_cmdline(text, 3, 10);
  EXPECT_EQ(args, std::vector<std::string>(3, std::string(10, 'a')));
}

TEST(ParseBootTime, FindsTheLine) {
  EXPECT_EQ(parse_boot_time("cpu 1 2\nxbtime 1\nbtime 1698255000\nprocesses 3\n"), 1698255000);
  EXPECT_FALSE(parse_boot_time("cpu 1 2\n"));
  EXPECT_FALSE(parse_boot_time("btime soon\n"));
}

TEST(ParseNamespaceLink, ReadsTheInode) {
  EXPECT_EQ(parse_namespace_link("pid:[4026531836]"), 4026531836U);
  for (const char* link : {"", "pid", "pid:[", "pid:[]", "pid:[x]", "pid:[1", "[1]"}) {
    EXPECT_FALSE(parse_namespace_link(link)) << link;
  }
}

TEST(WithoutDeletedMark, RemovesOne) {
  EXPECT_EQ(without_deleted_mark("/tmp/x (deleted)"), "/tmp/x");
  EXPECT_EQ(without_deleted_mark("/tmp/x (deleted) (deleted)"), "/tmp/x (deleted)");
  EXPECT_EQ(without_deleted_mark("/tmp/(deleted)"), "/tmp/(deleted)");
}

// The published sample of an entity id in this form, and what it decodes to.
TEST(ProcessEntityId, IsTheKnownForm) {
  EXPECT_EQ(
      process_entity_id(4026531836, "58842e5e-4780-43fa-be88-e935d902266f", 10666, 1698255151),
      "NDAyNjUzMTgzNl9fNTg4NDJlNWUtNDc4MC00M2ZhLWJlODgtZTkzNWQ5MDIyNjZmX18xMDY2Nl9fMTY5"
      "ODI1NTE1MQ==");
}

TEST(ProcessEntityId, PadsEveryLength) {
  EXPECT_EQ(process_entity_id(1, "", 1, 1), "MV9fX18xX18x");
  EXPECT_EQ(process_entity_id(1, "", 1, 12), "MV9fX18xX18xMg==");
  EXPECT_EQ(process_entity_id(1, "", 12, 12), "MV9fX18xMl9fMTI=");
}

}  // namespace
}  // namespace holdfast
