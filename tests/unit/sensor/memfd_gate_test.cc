#include "sensor/memfd_gate.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fakes.h"
#include "kernel/seccomp_listener.h"
#include "sensor/kernel_event_facts.h"
#include "sensor/notified_call.h"

namespace holdfast {
namespace {

TEST(FilesystemIdsTest, TheFourthOfEachLineCounts) {
  const auto owner = filesystem_ids(
      "Name:\tUid:\t9\t9\t9\t9\nUmask:\t0022\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t\n");
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->uid, 4U);
  EXPECT_EQ(owner->gid, 8U);
  EXPECT_FALSE(filesystem_ids("Name:\tx\nUid:\t1\t2\t3\nGid:\t5\t6\t7\t8\n"));
  EXPECT_FALSE(filesystem_ids(""));
}

TEST(MemfdGateTest, AMemoryFileThatRunsIsAnAct) {
  const Result<UniqueFd> file = make_memory_file("a name", MFD_ALLOW_SEALING, {1234, 2345});
  ASSERT_TRUE(file);
  const RootMount root;
  KernelEventFacts facts(file->get(), getpid(), root);
  const std::optional<Act> act = memfd_gate(facts);
  ASSERT_TRUE(act);
  EXPECT_EQ(act->operation, Operation::exec_memfd);
  EXPECT_EQ(act->mechanism, Mechanism::memfd_gate);
  EXPECT_EQ(act->path, "/memfd:a name (deleted)");
  EXPECT_EQ(act->file.stx_uid, 1234U);
  EXPECT_EQ(act->file.stx_gid, 2345U);
}

TEST(MemfdGateTest, AnyOtherFileIsNot) {
  FakeFacts facts;
  EXPECT_FALSE(memfd_gate(facts));
  facts.stat.reset();
  EXPECT_FALSE(memfd_gate(facts));
}

TEST(MemoryFileTest, ErrorsAreTheCallers) {
  const Result<UniqueFd> file = make_memory_file("x", 0x8000, {});
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, EINVAL);
  EXPECT_FALSE(make_memory_file(std::string(250, 'n'), 0, {}));
}

seccomp_data call(std::uint32_t architecture, int number) {
  seccomp_data data{};
  data.arch = architecture;
  data.nr = number;
  return data;
}

TEST(NotifiedCallsTest, EveryArchitectureHasItsNumbers) {
  const NotifiedCalls calls;
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_X86_64, 319)), NotifiedCall::memfd_create);
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_X86_64, 0x40000000 + 319)), NotifiedCall::memfd_create);
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_I386, 356)), NotifiedCall::memfd_create);
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_AARCH64, 279)), NotifiedCall::memfd_create);
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_X86_64, 165)), NotifiedCall::mount);
  for (const int number : {428, 442, 467})  // open_tree, mount_setattr, open_tree_attr
    EXPECT_EQ(calls.of(call(AUDIT_ARCH_X86_64, number)), NotifiedCall::mount) << number;
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_I386, 319)), std::nullopt) << "another call's number there";
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_X86_64, 0)), std::nullopt);
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_X86_64, 90)), NotifiedCall::chmod);
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_I386, 15)), NotifiedCall::chmod);
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_AARCH64, 53)), NotifiedCall::fchmodat);
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_AARCH64, 452)), NotifiedCall::fchmodat2);
  EXPECT_EQ(calls.of(call(AUDIT_ARCH_X86_64, 0x40000000 + 452)), NotifiedCall::fchmodat2);
}

TEST(NotificationTableTest, ASuccessorFindsWhatWasReceived) {
  auto table = std::make_unique<NotificationTable>();
  NotificationSlot* const slot = table->take(7);
  ASSERT_NE(slot, nullptr);
  slot->notification.id = 9;  // the kernel has filled it; the worker died before it said so
  NotificationSlot* const empty = table->take(7);
  table->recover();
  EXPECT_EQ(slot->state, NotificationSlot::received);
  EXPECT_EQ(empty->state, NotificationSlot::free);
  EXPECT_EQ(table->take(8)->notification.id, 0U);
  for (std::size_t i = 2; i < NotificationTable::kSlots; ++i) EXPECT_NE(table->take(8), nullptr);
  EXPECT_EQ(table->take(8), nullptr);
}

TEST(HeldListenersTest, OneIsFoundByItsContainerAgain) {
  auto table = std::make_unique<DescriptorTable>();
  int changes = 0;
  const HeldListeners held{*table, [&] { ++changes; }};
  auto listener = held.add("web-1", UniqueFd(memfd_create("x", MFD_CLOEXEC)));
  ASSERT_TRUE(listener);
  EXPECT_EQ((*listener)->key().high, descriptor_key("web-1").high);
  const std::uint32_t place = (*listener)->place();
  EXPECT_EQ(held.take_over(), nullptr) << "it has a worker";
  table->recover();  // that worker died
  const std::shared_ptr<SeccompListener> taken = held.take_over();
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(taken->place(), place);
  EXPECT_EQ(changes, 1);
  EXPECT_FALSE(is_seccomp_listener(taken->fd()));
}

}  // namespace
}  // namespace holdfast
