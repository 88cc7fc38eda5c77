#include "sensor/permission_gate.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "fakes.h"
#include "kernel/unique_fd.h"

namespace holdfast {
namespace {

using Origin = Judgement::Origin;

TEST(PermissionGateTest, DriftThatWouldBecomeExecutableIsAnAct) {
  FakeFacts facts;
  facts.stat = file_stat(0644);
  FakeContent content;
  const auto act = permission_gate(facts, content, {});
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::create_executable);
  EXPECT_EQ(act->mechanism, Mechanism::seccomp);
  EXPECT_EQ(act->path, "/app/tool");
  EXPECT_FALSE(act->needs_comparison);
  content.judgement = {Origin::drift, true, "its size differs"};
  EXPECT_EQ(permission_gate(facts, content, {})->operation, Operation::modify_executable);
  content.judgement = {Origin::undetermined, true, ""};
  EXPECT_TRUE(permission_gate(facts, content, {})->needs_comparison);
}

TEST(PermissionGateTest, AnyOtherChangeOfAModeIsNone) {
  FakeFacts facts;
  FakeContent content;
  EXPECT_FALSE(permission_gate(facts, content, {})) << "it is executable";
  facts.stat = file_stat(0644);
  EXPECT_FALSE(permission_gate(facts, content, {.execute_bits = false}));
  content.judgement = {Origin::image, true, ""};
  EXPECT_FALSE(permission_gate(facts, content, {}));
  content.judgement = {Origin::drift, false, ""};
  content.certain = true;
  EXPECT_FALSE(permission_gate(facts, content, {}));
  content.certain = false;
  facts.stat->stx_nlink = 0;
  EXPECT_FALSE(permission_gate(facts, content, {})) << "it has no name yet";
  facts.stat->stx_nlink = 1;
  facts.stat->stx_mode = S_IFDIR | 0700;
  EXPECT_FALSE(permission_gate(facts, content, {}));
  const UniqueFd memory(memfd_create("x", MFD_CLOEXEC));
  facts.stat = stat_of(memory.get());
  facts.stat->stx_mode = S_IFREG | 0600;
  EXPECT_FALSE(permission_gate(facts, content, {})) << "judged when it runs";
  facts.stat.reset();
  EXPECT_FALSE(permission_gate(facts, content, {}));
}

TEST(NewFileGateTest, AnExecutableFileComesIntoBeing) {
  FakeFacts directory;
  directory.stat->stx_mode = S_IFDIR | 0755;
  directory.name = "/tmp";
  FakeContent content;
  const auto act = new_file_gate(directory, "x", S_IFREG | 04711, content, {});
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::create_executable);
  EXPECT_EQ(act->mechanism, Mechanism::seccomp);
  EXPECT_EQ(act->path, "/tmp/x");
  EXPECT_EQ(act->file.stx_mode, S_IFREG | 04711);
  directory.name = "/";
  content.lower.exists = true;
  const auto in_place = new_file_gate(directory, "x", 0755, content, {});
  EXPECT_EQ(in_place->path, "/x");
  EXPECT_EQ(in_place->operation, Operation::modify_executable) << "the image's was unlinked";
  EXPECT_FALSE(new_file_gate(directory, "", 0755, content, {}));
  EXPECT_FALSE(new_file_gate(directory, "x", 0755, content, {.execute_bits = false}));
}

}  // namespace
}  // namespace holdfast
