#include "container/seccomp_profile.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>

namespace holdfast {
namespace {

using nlohmann::json;

constexpr const char* kSocket = "/run/holdfast/seccomp.sock";

json merged(const json& base, NotifyRules rules = {}) {
  Result<json> profile = add_notify_rules(base, rules, kSocket);
  EXPECT_TRUE(profile) << profile.error().message();
  return profile ? *profile : json();
}

// Actions of the entries that name the call.
std::vector<std::string> actions(const json& profile, const std::string& call) {
  std::vector<std::string> found;
  for (const json& entry : profile["syscalls"]) {
    const json& names = entry["names"];
    if (std::find(names.begin(), names.end(), call) != names.end())
      found.push_back(entry["action"]);
  }
  return found;
}

using Actions = std::vector<std::string>;

TEST(SeccompProfileTest, RulesAreChosenByName) {
  EXPECT_TRUE(parse_notify_rules("memfd")->memfd);
  EXPECT_FALSE(parse_notify_rules("mount,io_uring")->memfd);
  EXPECT_TRUE(parse_notify_rules("all")->namespaces);
  EXPECT_FALSE(parse_notify_rules("memfd,"));
  EXPECT_FALSE(parse_notify_rules("chmod"));
  EXPECT_TRUE(parse_notify_rules("memfd,permissions")->permissions);
  EXPECT_FALSE(NotifyRules{}.permissions);
}

TEST(SeccompProfileTest, AnAllowedCallIsAskedAbout) {
  const json profile =
      merged({{"defaultAction", "SCMP_ACT_ERRNO"},
              {"syscalls",
               {{{"names", {"read", "memfd_create"}}, {"action", "SCMP_ACT_ALLOW"}},
                {{"name", "memfd_create"}, {"action", "SCMP_ACT_LOG"}}}}});
  EXPECT_EQ(profile["listenerPath"], kSocket);
  EXPECT_EQ(actions(profile, "read"), Actions{"SCMP_ACT_ALLOW"});
  EXPECT_EQ(actions(profile, "memfd_create"), (Actions{"SCMP_ACT_NOTIFY", "SCMP_ACT_NOTIFY"}));
  EXPECT_FALSE(profile["architectures"].empty());
}

TEST(SeccompProfileTest, WhatTheBaseRefusesStaysRefused) {
  const json refusing =
      merged({{"defaultAction", "SCMP_ACT_ERRNO"}, {"syscalls", json::array()}}, {.mount = true});
  EXPECT_TRUE(actions(refusing, "memfd_create").empty());
  EXPECT_TRUE(actions(refusing, "mount").empty());
  const json allowing =
      merged({{"defaultAction", "SCMP_ACT_ALLOW"},
              {"syscalls", {{{"names", {"memfd_create"}}, {"action", "SCMP_ACT_ERRNO"}}}}});
  EXPECT_EQ(actions(allowing, "memfd_create"), Actions{"SCMP_ACT_ERRNO"});
}

TEST(SeccompProfileTest, AnAllowAllProfileGetsTheRules) {
  const json profile =
      merged(empty_profile(), {.mount = true, .namespaces = true, .io_uring = true});
  for (const char* call : {"memfd_create", "mount", "move_mount", "fsmount", "mount_setattr",
                           "open_tree", "open_tree_attr", "io_uring_setup"})
    EXPECT_EQ(actions(profile, call), Actions{"SCMP_ACT_NOTIFY"}) << call;
  EXPECT_EQ(actions(profile, "clone"), (Actions{"SCMP_ACT_NOTIFY", "SCMP_ACT_NOTIFY"}));
  EXPECT_EQ(actions(profile, "clone3"), Actions{"SCMP_ACT_ERRNO"});
}

TEST(SeccompProfileTest, CloneIsAllowedWithoutTheBitsOnly) {
  const json profile = merged({{"defaultAction", "SCMP_ACT_ERRNO"},
                               {"syscalls",
                                {{{"names", {"clone"}},
                                  {"action", "SCMP_ACT_ALLOW"},
                                  {"includes", {{"caps", {"CAP_SYS_ADMIN"}}}}},
                                 {{"names", {"clone"}},
                                  {"action", "SCMP_ACT_ALLOW"},
                                  {"args", {{{"index", 0}, {"value", 1}, {"op", "SCMP_CMP_EQ"}}}},
                                  {"excludes", {{"caps", {"CAP_SYS_ADMIN"}}}}}}}},
                              {.namespaces = true});
  // First what the base allows under a condition on arguments, then the three of the rule, with the
  // condition of the entry that they replace.
  const json& entries = profile["syscalls"];
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_TRUE(entries[0].contains("excludes"));
  EXPECT_EQ(entries[3]["action"], "SCMP_ACT_ALLOW");
  EXPECT_EQ(entries[3]["args"][0]["value"], CLONE_NEWNS | CLONE_NEWUSER);
  for (std::size_t i = 1; i < 4; ++i)
    EXPECT_EQ(entries[i]["includes"]["caps"][0], "CAP_SYS_ADMIN") << i;
}

// What a profile makes of a call with this register: the first entry that its masks let match.
std::string action_for(const json& profile, const std::string& call, unsigned argument,
                       std::uint64_t value) {
  std::string found = "default";
  for (const json& entry : profile["syscalls"]) {
    if (entry["names"][0] != call) continue;
    const json& condition = entry["args"][0];
    if (condition["index"] != argument) return "another argument";
    if ((value & condition["value"].get<std::uint64_t>()) != condition["valueTwo"]) continue;
    // Two that match would be decided by their order.
    if (found != "default" && found != entry["action"]) return "two actions";
    found = entry["action"];
  }
  return found;
}

TEST(SeccompProfileTest, ModesWithoutExecuteBitsAreNotAskedAbout) {
  const json calls = {"chmod",   "fchmod",   "fchmodat",  "fchmodat2", "mknod",
                      "mknodat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat"};
  const json profile = merged({{"defaultAction", "SCMP_ACT_ERRNO"},
                               {"syscalls", {{{"names", calls}, {"action", "SCMP_ACT_ALLOW"}}}}},
                              {.memfd = false, .permissions = true});
  for (unsigned mode = 0; mode <= 07777; ++mode) {
    const char* const wanted = (mode & 0111) != 0 ? "SCMP_ACT_NOTIFY" : "SCMP_ACT_ALLOW";
    for (const auto& [call, argument] :
         {std::pair("chmod", 1U), {"fchmod", 1U}, {"fchmodat", 2U}, {"fchmodat2", 2U}})
      ASSERT_EQ(action_for(profile, call, argument, mode), wanted) << call << std::oct << mode;
    for (const unsigned type : {0U, 0100000U}) {
      ASSERT_EQ(action_for(profile, "mknod", 1, type | mode), wanted) << std::oct << mode;
      ASSERT_EQ(action_for(profile, "mknodat", 2, type | mode), wanted) << std::oct << mode;
    }
    for (const unsigned type : {0010000U, 0020000U, 0060000U, 0140000U})
      ASSERT_EQ(action_for(profile, "mknod", 1, type | mode), "SCMP_ACT_ALLOW") << std::oct << mode;
  }
  EXPECT_EQ(action_for(profile, "chmod", 1, 0xffffffff00000000 | 0755), "SCMP_ACT_NOTIFY");
  for (const char* call : {"setxattr", "lsetxattr", "fsetxattr", "setxattrat"})
    EXPECT_EQ(actions(profile, call), Actions{"SCMP_ACT_NOTIFY"}) << call;
  EXPECT_TRUE(actions(merged(empty_profile()), "chmod").empty()) << "not in the default";
}

TEST(SeccompProfileTest, AnotherAgentsProfileIsRefused) {
  EXPECT_FALSE(add_notify_rules(
      {{"defaultAction", "SCMP_ACT_ALLOW"}, {"listenerPath", "/run/other.sock"}}, {}, kSocket));
  EXPECT_FALSE(
      add_notify_rules({{"defaultAction", "SCMP_ACT_ALLOW"},
                        {"syscalls", {{{"names", {"bpf"}}, {"action", "SCMP_ACT_NOTIFY"}}}}},
                       {}, kSocket));
  EXPECT_FALSE(add_notify_rules(json::array(), {}, kSocket));
  EXPECT_FALSE(
      add_notify_rules({{"defaultAction", "SCMP_ACT_ALLOW"}, {"syscalls", 7}}, {}, kSocket));
  // Its own rules again change nothing.
  const json once = merged(empty_profile());
  EXPECT_EQ(merged(once), once);
}

TEST(SeccompProfileTest, DockersConditionsAreResolved) {
  const json base = {
      {"defaultAction", "SCMP_ACT_ERRNO"},
      {"archMap",
       {{{"architecture", "SCMP_ARCH_X86_64"}, {"subArchitectures", {"SCMP_ARCH_X86"}}},
        {{"architecture", "SCMP_ARCH_AARCH64"}, {"subArchitectures", {"SCMP_ARCH_ARM"}}}}},
      {"syscalls",
       {{{"names", {"bpf"}}, {"action", "SCMP_ACT_ALLOW"}, {"includes", {{"caps", {"CAP_BPF"}}}}},
        {{"names", {"chroot"}},
         {"action", "SCMP_ACT_ALLOW"},
         {"includes", {{"caps", {"CAP_SYS_CHROOT"}}}}},
        {{"names", {"set_tls"}},
         {"action", "SCMP_ACT_ALLOW"},
         {"includes", {{"arches", {"arm64"}}}}},
        {{"names", {"arch_prctl"}},
         {"action", "SCMP_ACT_ALLOW"},
         {"includes", {{"arches", {"amd64"}}}}},
        {{"names", {"ptrace"}}, {"action", "SCMP_ACT_ALLOW"}, {"includes", {{"minKernel", "4.8"}}}},
        {{"names", {"new"}}, {"action", "SCMP_ACT_ALLOW"}, {"includes", {{"minKernel", "5.11"}}}},
        {{"names", {"clone3"}},
         {"action", "SCMP_ACT_ERRNO"},
         {"excludes", {{"caps", {"CAP_SYS_CHROOT"}}}}}}}};
  const Result<json> resolved = resolve_conditions(base, {{"CAP_SYS_CHROOT"}, "x86_64", {5, 10}});
  ASSERT_TRUE(resolved);
  for (const auto& [call, kept] :
       std::initializer_list<std::pair<const char*, bool>>{{"bpf", false},
                                                           {"chroot", true},
                                                           {"set_tls", false},
                                                           {"arch_prctl", true},
                                                           {"ptrace", true},
                                                           {"new", false},
                                                           {"clone3", false}}) {
    EXPECT_EQ(!actions(*resolved, call).empty(), kept) << call;
  }
  EXPECT_EQ((*resolved)["architectures"], json({"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"}));
  EXPECT_FALSE(resolved->contains("archMap"));
}

}  // namespace
}  // namespace holdfast
