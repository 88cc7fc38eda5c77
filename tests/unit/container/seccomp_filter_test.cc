// The rules as the kernel evaluates them, for each way in which a machine makes a call.
#include "seccomp_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

#include "container/seccomp_profile.h"

namespace holdfast::testing {
namespace {

using nlohmann::json;

// One way to make calls: what the kernel puts into seccomp_data, and libseccomp's name of it.
struct Way {
  const char* name;
  std::uint32_t scmp;
  std::uint32_t audit;
  std::vector<std::string> machine;  // the architectures that an engine lists beside it
};
const std::vector<std::string> kIntel{"x86_64", "x86", "x32"};
const std::vector<std::string> kArm{"aarch64", "arm"};
const std::vector<Way> kWays{
    {"x86-64", SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, kIntel},
    {"i386", SCMP_ARCH_X86, AUDIT_ARCH_I386, kIntel},
    {"x32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64, kIntel},
    {"aarch64", SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, kArm},
    {"arm", SCMP_ARCH_ARM, AUDIT_ARCH_ARM, kArm},
};

// Of calls that these machines do not have: kernels made after 64 bits were there have the *at
// ones.
const std::vector<std::string> kNotOnAarch64{"chmod", "mknod"};

constexpr std::uint32_t kNotify = SECCOMP_RET_USER_NOTIF;
constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kRefuse = SECCOMP_RET_ERRNO | 1;
constexpr std::uint32_t kUnknownCall = SECCOMP_RET_ERRNO | 38;

struct Expected {
  const char* rule;
  const char* call;
  std::array<std::uint64_t, 3> arguments;
  std::uint32_t action;
};

std::vector<Expected> expected() {
  std::vector<Expected> all{
      {"memfd", "memfd_create", {}, kNotify},
      {"memfd", "memfd_create", {~0ULL, ~0ULL, ~0ULL}, kNotify},
      {"mount", "mount", {}, kNotify},
      {"mount", "move_mount", {}, kNotify},
      {"mount", "fsmount", {}, kNotify},
      {"namespaces", "unshare", {CLONE_NEWNS}, kNotify},
      {"namespaces", "unshare", {CLONE_NEWUSER}, kNotify},
      {"namespaces", "unshare", {CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID}, kNotify},
      {"namespaces", "unshare", {CLONE_NEWPID | CLONE_FS}, kAllow},
      {"namespaces", "clone", {CLONE_NEWNS | SIGCHLD}, kNotify},
      {"namespaces", "clone", {CLONE_NEWUSER | SIGCHLD}, kNotify},
      {"namespaces", "clone", {CLONE_VM | CLONE_THREAD | CLONE_FILES | CLONE_SIGHAND}, kAllow},
      {"namespaces", "clone", {SIGCHLD}, kAllow},
      {"namespaces", "clone3", {}, kUnknownCall},
      {"io_uring", "io_uring_setup", {}, kNotify},
      {"permissions", "setxattr", {}, kNotify},
      {"permissions", "lsetxattr", {}, kNotify},
      {"permissions", "fsetxattr", {}, kNotify},
  };
  for (const auto& [mode, action] : {std::pair(0755U, kNotify),
                                     {0100U, kNotify},
                                     {04010U, kNotify},
                                     {0001U, kNotify},
                                     {0644U, kAllow},
                                     {06666U, kAllow},
                                     {0U, kAllow}}) {
    all.push_back({"permissions", "chmod", {0, mode}, action});
    all.push_back({"permissions", "fchmod", {0, mode}, action});
    all.push_back({"permissions", "fchmodat", {0, 0, mode}, action});
    all.push_back({"permissions", "mknod", {0, S_IFREG | mode}, action});
    all.push_back({"permissions", "mknod", {0, mode}, action});
    all.push_back({"permissions", "mknod", {0, S_IFIFO | mode}, kAllow});
    all.push_back({"permissions", "mknodat", {0, 0, S_IFREG | mode}, action});
    all.push_back({"permissions", "mknodat", {0, 0, S_IFSOCK | mode}, kAllow});
  }
  return all;
}

// What the rest of a register holds is not the call's argument, where that is an int.
std::uint64_t with_garbage(std::uint64_t argument) { return argument | 0xdeadbeef00000000ULL; }

std::optional<seccomp_data> call_of(const Way& way, const std::string& name,
                                    const std::array<std::uint64_t, 3>& arguments) {
  const int number = seccomp_syscall_resolve_name_arch(way.scmp, name.c_str());
  if (number < 0) return std::nullopt;
  seccomp_data call{};
  call.nr = number;
  call.arch = way.audit;
  for (std::size_t i = 0; i < arguments.size(); ++i) call.args[i] = arguments.at(i);
  return call;
}

// As engines' profiles are: a list of what is allowed.
json engine_profile() {
  json names = json::array({"read", "openat", "exit_group", "execve", "getppid"});
  for (const Expected& one : expected()) names.push_back(one.call);
  return {{"defaultAction", "SCMP_ACT_ERRNO"},
          {"syscalls", json::array({{{"names", names}, {"action", "SCMP_ACT_ALLOW"}}})}};
}

json with_rules(const json& base, const std::string& list) {
  const Result<json> profile =
      add_notify_rules(base, *parse_notify_rules(list), "/run/holdfast/seccomp.sock");
  EXPECT_TRUE(profile) << profile.error().message();
  return *profile;
}

class SeccompFilterTest : public ::testing::TestWithParam<Way> {};

TEST_P(SeccompFilterTest, EachRuleAsksAboutItsCalls) {
  const Way& way = GetParam();
  for (const json& base : {engine_profile(), empty_profile()}) {
    const SeccompFilter filter(with_rules(base, "all"), way.machine);
    std::size_t checked = 0;
    for (const Expected& one : expected()) {
      const auto call = call_of(way, one.call, one.arguments);
      const bool has_none =
          way.scmp == SCMP_ARCH_AARCH64 &&
          std::find(kNotOnAarch64.begin(), kNotOnAarch64.end(), one.call) != kNotOnAarch64.end();
      ASSERT_EQ(call.has_value(), !has_none) << way.name << " " << one.call;
      if (!call) continue;
      ++checked;
      EXPECT_EQ(filter(*call).action, one.action)
          << way.name << " " << one.call << std::oct << " " << one.arguments[0] << " "
          << one.arguments[1] << " " << one.arguments[2];
    }
    EXPECT_GT(checked, 30U);
  }
}

TEST_P(SeccompFilterTest, ARuleAsksAboutNothingElse) {
  const Way& way = GetParam();
  for (const char* rule : {"memfd", "mount", "namespaces", "io_uring", "permissions"}) {
    const SeccompFilter filter(with_rules(engine_profile(), rule), way.machine);
    for (const Expected& one : expected()) {
      const auto call = call_of(way, one.call, one.arguments);
      if (!call) continue;
      const std::uint32_t action = std::string(rule) == one.rule ? one.action : kAllow;
      EXPECT_EQ(filter(*call).action, action) << way.name << " " << rule << " " << one.call;
    }
    EXPECT_EQ(filter(*call_of(way, "ptrace", {})).action, kRefuse) << "as the base has it";
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, SeccompFilterTest, ::testing::ValuesIn(kWays), [](const auto& info) {
  std::string name = info.param.name;
  std::erase(name, '-');
  return name;
});

TEST(SeccompFilterTest, CallsOfOtherArchitecturesDoNotGetPast) {
  for (const char* machine : {"x86_64", "aarch64"}) {
    const SeccompFilter filter(with_rules(empty_profile(), "all"), {machine});
    std::size_t refused = 0;
    for (const Way& way : kWays) {
      if (way.scmp == seccomp_arch_resolve_name(machine)) continue;
      const std::uint32_t action = filter(*call_of(way, "memfd_create", {})).action;
      EXPECT_EQ(action, SECCOMP_RET_KILL_THREAD) << way.name << " on " << machine;
      ++refused;
    }
    EXPECT_EQ(refused, kWays.size() - 1);
  }
}

TEST(SeccompFilterTest, OnlyTheBitsOfAnIntCount) {
  const SeccompFilter filter(with_rules(engine_profile(), "all"), kIntel);
  const auto action = [&](const char* name, std::array<std::uint64_t, 3> arguments) {
    for (std::uint64_t& argument : arguments) argument = with_garbage(argument);
    return filter(*call_of(kWays[0], name, arguments)).action;
  };
  EXPECT_EQ(action("chmod", {0, 0755}), kNotify);
  EXPECT_EQ(action("chmod", {0, 0644}), kAllow);
  EXPECT_EQ(action("unshare", {CLONE_NEWNS}), kNotify);
  EXPECT_EQ(action("mknod", {0, S_IFREG | 0755}), kNotify);
}

// Kernels from 5.11 on remember which calls are allowed whatever their arguments; before that, each
// call goes through the filter. The rules must not make that way longer.
TEST(SeccompFilterTest, AnUncoveredCallCostsNoMoreInstructions) {
  const json base = engine_profile();
  const SeccompFilter without(base, kIntel);
  for (const char* rules : {"memfd", "all"}) {
    const SeccompFilter with(with_rules(base, rules), kIntel);
    for (const char* name : {"read", "openat", "exit_group", "execve", "getppid"}) {
      const seccomp_data call = *call_of(kWays[0], name, {});
      EXPECT_LE(with(call).instructions, without(call).instructions + 1) << rules << " " << name;
    }
  }
}

}  // namespace
}  // namespace holdfast::testing
