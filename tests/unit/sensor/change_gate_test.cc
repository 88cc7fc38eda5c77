#include "sensor/change_gate.h"

#include <gtest/gtest.h>
#include <sys/fanotify.h>

#include "fakes.h"

namespace holdfast {
namespace {

using Origin = Judgement::Origin;

TEST(ChangeInterest, WhatMayBeAnAct) {
  const auto interest = [](std::uint64_t mask, std::uint16_t mode, std::uint64_t size = 100,
                           unsigned links = 1, bool known = false) {
    FileStat file = file_stat(mode, size);
    file.stx_nlink = links;
    return interest_in(mask, file, known);
  };
  EXPECT_EQ(interest(FAN_ATTRIB, 0755), ChangeInterest::act) << "chmod, or an ACL";
  EXPECT_EQ(interest(FAN_ATTRIB, 0755, 0), ChangeInterest::act) << "of an empty file too";
  EXPECT_EQ(interest(FAN_ATTRIB, 0644), ChangeInterest::none);
  EXPECT_EQ(interest(FAN_ATTRIB, 0755, 100, 1, true), ChangeInterest::none) << "chown, utimes";
  EXPECT_EQ(interest(FAN_MOVED_TO, 0755, 100, 1, true), ChangeInterest::act) << "a new name";
  EXPECT_EQ(interest(FAN_MOVED_TO, 0644), ChangeInterest::if_original);
  EXPECT_EQ(interest(FAN_CREATE, 0755), ChangeInterest::act) << "linkat of a file without a name";
  EXPECT_EQ(interest(FAN_CREATE, 0755, 0), ChangeInterest::later) << "open or mknod";
  EXPECT_EQ(interest(FAN_CREATE, 0755, 0, 2), ChangeInterest::act) << "a link to an empty file";
  EXPECT_EQ(interest(FAN_CREATE | FAN_ATTRIB, 0755, 0), ChangeInterest::act);
  EXPECT_EQ(interest(FAN_CREATE, 0644), ChangeInterest::none);
  EXPECT_EQ(interest(FAN_CREATE, 0644, 100, 2), ChangeInterest::if_original);
  EXPECT_EQ(interest(FAN_MOVED_TO, 0755, 100, 0), ChangeInterest::none) << "unlinked";
  FileStat device = file_stat(0755);
  device.stx_mode = S_IFCHR | 0755;
  EXPECT_EQ(interest_in(FAN_MOVED_TO, device, false), ChangeInterest::none);
}

TEST(KnownExecutables, AreForgottenWhenTheirContentChanges) {
  KnownExecutables known;
  FileStat file = file_stat(0755);
  EXPECT_FALSE(known.contains(file));
  known.remember(file);
  file.stx_ctime.tv_sec += 1;
  EXPECT_TRUE(known.contains(file)) << "chown";
  FileStat written = file;
  written.stx_mtime.tv_sec += 1;
  EXPECT_FALSE(known.contains(written));
  known.forget(file);
  EXPECT_FALSE(known.contains(file));
}

TEST(KnownExecutables, AreBounded) {
  KnownExecutables known;
  FileStat file = file_stat(0755);
  for (file.stx_ino = 1; file.stx_ino <= 5000; ++file.stx_ino) known.remember(file);
  std::size_t kept = 0;
  for (file.stx_ino = 1; file.stx_ino <= 5000; ++file.stx_ino) kept += known.contains(file);
  EXPECT_EQ(kept, 4096U);
}

TEST(ChangeGate, DriftIsAnActImageContentIsNone) {
  FakeContent content;
  const FileStat file = file_stat(0755);
  const auto created = change_gate(FAN_CREATE, file, "/tmp/x", content);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->operation, Operation::create_executable);
  EXPECT_EQ(created->mechanism, Mechanism::change_watch);
  EXPECT_EQ(created->path, "/tmp/x");
  EXPECT_EQ(created->reason, "created or linked there");
  EXPECT_FALSE(created->needs_comparison);
  content.judgement = {Origin::drift, true, "its size differs"};
  EXPECT_EQ(change_gate(FAN_MOVED_TO, file, "/tmp/x", content)->operation,
            Operation::modify_executable);
  content.judgement = {Origin::undetermined, true, ""};
  EXPECT_TRUE(change_gate(FAN_ATTRIB, file, "/tmp/x", content)->needs_comparison)
      << "copied up by chown";
  content.judgement = {Origin::image, true, ""};
  EXPECT_FALSE(change_gate(FAN_ATTRIB, file, "/tmp/x", content));
}

TEST(ChangeGate, APlainFileInTheOriginalsPlaceIsAnActIfThatWasExecutable) {
  FakeContent content;
  content.judgement = {Origin::drift, true, "its size differs"};
  const FileStat file = file_stat(0644);
  content.lower = {true, false};
  EXPECT_FALSE(change_gate(FAN_MOVED_TO, file, "/app/tool", content));
  content.lower = {true, true};
  EXPECT_EQ(change_gate(FAN_MOVED_TO, file, "/app/tool", content)->operation,
            Operation::modify_executable);
  FileStat gone = file_stat(0755);
  gone.stx_nlink = 0;
  EXPECT_FALSE(change_gate(FAN_MOVED_TO, gone, "/app/tool", content));
}

}  // namespace
}  // namespace holdfast
