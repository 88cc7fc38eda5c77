#include "container/seccomp_profile.h"

#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "container/runtime_json.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr const char* kAllow = "SCMP_ACT_ALLOW";
constexpr const char* kNotify = "SCMP_ACT_NOTIFY";
constexpr std::array kRuleNames{std::pair{"memfd", &NotifyRules::memfd},
                                std::pair{"mount", &NotifyRules::mount},
                                std::pair{"namespaces", &NotifyRules::namespaces},
                                std::pair{"io_uring", &NotifyRules::io_uring},
                                std::pair{"permissions", &NotifyRules::permissions}};

Error wrong(const std::string& what) { return Error{EINVAL, "seccomp profile: " + what, ""}; }

// What takes the place of "allowed" for one call.
std::vector<json> always() { return {{{"action", kNotify}}}; }

// One condition an entry, as runtimes take several on one argument for alternatives.
json if_masked(const char* action, unsigned argument, std::uint64_t mask, std::uint64_t value) {
  const json condition = {
      {"index", argument}, {"value", mask}, {"valueTwo", value}, {"op", "SCMP_CMP_MASKED_EQ"}};
  return {{"action", action}, {"args", json::array({condition})}};
}

// By the bits of a register: each of `bits` alone, and none of them.
std::vector<json> if_any_bit(unsigned argument, std::initializer_list<std::uint64_t> bits) {
  std::vector<json> entries;
  std::uint64_t all = 0;
  for (const std::uint64_t bit : bits) {
    entries.push_back(if_masked(kNotify, argument, bit, bit));
    all |= bit;
  }
  entries.push_back(if_masked(kAllow, argument, all, 0));
  return entries;
}

constexpr std::initializer_list<std::uint64_t> kExecuteBits{S_IXUSR, S_IXGRP, S_IXOTH};

// mknod(2): regular files with an x bit. A mode without a type means one too.
std::vector<json> if_executable_node(unsigned argument) {
  std::vector<json> entries;
  for (const std::uint64_t type : {std::uint64_t{S_IFREG}, std::uint64_t{0}}) {
    for (const std::uint64_t bit : kExecuteBits)
      entries.push_back(if_masked(kNotify, argument, S_IFMT | bit, type | bit));
    entries.push_back(if_masked(kAllow, argument, S_IFMT | 0111, type));
  }
  for (const std::uint64_t type : {S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK, S_IFDIR, S_IFLNK})
    entries.push_back(if_masked(kAllow, argument, S_IFMT, type));
  return entries;
}

// s390's clone has its flags second; it is no architecture of ours.
std::map<std::string, std::vector<json>> replacements(const NotifyRules& rules) {
  std::map<std::string, std::vector<json>> calls;
  if (rules.memfd) calls["memfd_create"] = always();
  if (rules.mount) {
    for (const char* name : {"mount", "move_mount", "fsmount", "mount_setattr"})
      calls[name] = always();
    // A copy of a mount is mounted nowhere, and has not the marks of the one that it is of.
    for (const char* name : {"open_tree", "open_tree_attr"})
      calls[name] = if_any_bit(2, {OPEN_TREE_CLONE});
  }
  if (rules.namespaces) {
    for (const char* name : {"unshare", "clone"})
      calls[name] = if_any_bit(0, {CLONE_NEWNS, CLONE_NEWUSER});
    // Its flags are behind a pointer; libraries then use clone.
    calls["clone3"] = {{{"action", "SCMP_ACT_ERRNO"}, {"errnoRet", ENOSYS}}};
  }
  if (rules.io_uring) calls["io_uring_setup"] = always();
  if (rules.permissions) {
    for (const char* name : {"chmod", "fchmod"}) calls[name] = if_any_bit(1, kExecuteBits);
    for (const char* name : {"fchmodat", "fchmodat2"}) calls[name] = if_any_bit(2, kExecuteBits);
    calls["mknod"] = if_executable_node(1);
    calls["mknodat"] = if_executable_node(2);
    for (const char* name : {"setxattr", "lsetxattr", "fsetxattr", "setxattrat"})
      calls[name] = always();
  }
  return calls;
}

bool lets_happen(const json& action) { return action == kAllow || action == "SCMP_ACT_LOG"; }

bool has_arguments(const json& entry) {
  const auto arguments = entry.find("args");
  return arguments != entry.end() && arguments->is_array() && !arguments->empty();
}

// An entry's names, in either spelling.
std::vector<std::string> names_of(const json& entry) {
  std::vector<std::string> names;
  if (entry.contains("name") && entry["name"].is_string()) names.push_back(entry["name"]);
  if (entry.contains("names") && entry["names"].is_array()) {
    for (const json& name : entry["names"]) {
      if (name.is_string()) names.push_back(name);
    }
  }
  return names;
}

json own_architectures() {
#ifdef __aarch64__
  return {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#else
  return {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#endif
}

const char* libseccomp_name(const std::string& machine) {
  return machine == "aarch64" ? "SCMP_ARCH_AARCH64" : machine == "x86_64" ? "SCMP_ARCH_X86_64" : "";
}

bool holds_any(const json& list, const std::vector<std::string>& words) {
  return list.is_array() && std::any_of(list.begin(), list.end(), [&](const json& word) {
           return word.is_string() &&
                  std::find(words.begin(), words.end(), word.get<std::string>()) != words.end();
         });
}

bool kernel_is(const json& text, std::pair<int, int> kernel) {
  if (!text.is_string()) return true;
  const std::string& wanted = text.get_ref<const std::string&>();
  std::pair<int, int> least{};
  const char* end = wanted.data() + wanted.size();
  const auto major = std::from_chars(wanted.data(), end, least.first);
  if (major.ptr < end) std::from_chars(major.ptr + 1, end, least.second);
  return kernel >= least;
}

// docker's names are Go's.
bool applies(const json& entry, const ProfileTarget& target) {
  const std::vector<std::string> architecture{target.architecture == "aarch64" ? "arm64" : "amd64"};
  const json none = json::object();
  const json includes = entry.value("includes", none);
  const json excludes = entry.value("excludes", none);
  const auto list = [](const json& of, const char* key) {
    return of.is_object() && of.contains(key) ? of[key] : json();
  };
  for (const json& capability : list(includes, "caps")) {
    if (!holds_any(json::array({capability}), target.capabilities)) return false;
  }
  const json wanted = list(includes, "arches");
  if (!wanted.empty() && !holds_any(wanted, architecture)) return false;
  if (!kernel_is(list(includes, "minKernel"), target.kernel)) return false;
  if (holds_any(list(excludes, "caps"), target.capabilities)) return false;
  if (holds_any(list(excludes, "arches"), architecture)) return false;
  const json too_new = list(excludes, "minKernel");
  return !too_new.is_string() || !kernel_is(too_new, target.kernel);
}

}  // namespace

Result<NotifyRules> parse_notify_rules(std::string_view list) {
  NotifyRules rules{.memfd = false};
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    bool known = false;
    for (const auto& [name, rule] : kRuleNames) {
      if (word != name && word != "all") continue;
      rules.*rule = known = true;
    }
    if (!known) {
      return Error{EINVAL, "unknown rule \"" + std::string(word) + "\"",
                   "use memfd, mount, namespaces, io_uring, permissions or all"};
    }
    if (comma == std::string_view::npos) return rules;
    list.remove_prefix(comma + 1);
  }
}

Result<json> add_notify_rules(json base, const NotifyRules& rules,
                              const std::string& listener_path) {
  if (!base.is_object() || !base.contains("defaultAction")) return wrong("it has no defaultAction");
  if (text_member(base, "listenerPath").value_or(listener_path) != listener_path) {
    return wrong("it has a listenerPath of its own; a container can have one agent");
  }
  const json none = json::array();
  const json given = base.value("syscalls", none);
  if (!given.is_array() && !given.is_null()) return wrong("its syscalls are no list");

  const auto replaced = replacements(rules);
  json kept = json::array();
  json added = json::array();
  std::set<std::string> mentioned;
  for (json entry : given) {
    if (!entry.is_object()) return wrong("one of its syscalls is no object");
    const json action = entry.value("action", json());
    std::vector<std::string> names = names_of(entry);
    // The agent's rules themselves, from an earlier time: nothing is left to be done for them.
    if (action == kNotify && !base.contains("listenerPath"))
      return wrong("it asks another agent (SCMP_ACT_NOTIFY)");
    if (!has_arguments(entry)) mentioned.insert(names.begin(), names.end());
    if (lets_happen(action) && !has_arguments(entry)) {
      std::erase_if(names, [&](const std::string& name) {
        const auto found = replaced.find(name);
        if (found == replaced.end()) return false;
        for (json rule : found->second) {
          rule["names"] = json::array({name});
          for (const char* condition : {"includes", "excludes"}) {
            if (entry.contains(condition)) rule[condition] = entry[condition];
          }
          added.push_back(std::move(rule));
        }
        return true;
      });
      if (names.empty()) continue;
      entry.erase("name");
      entry["names"] = names;
    }
    kept.push_back(std::move(entry));
  }
  if (lets_happen(base["defaultAction"])) {
    for (const auto& [name, entries] : replaced) {
      if (mentioned.contains(name)) continue;
      for (json rule : entries) {
        if (rule["action"] == kAllow) continue;
        rule["names"] = json::array({name});
        added.push_back(std::move(rule));
      }
    }
  }
  for (json& rule : added) kept.push_back(std::move(rule));
  base["syscalls"] = std::move(kept);
  base["listenerPath"] = listener_path;
  // Calls of an architecture that is not listed end their process.
  if (!base.contains("architectures") && !base.contains("archMap"))
    base["architectures"] = own_architectures();
  return base;
}

Result<json> resolve_conditions(json profile, const ProfileTarget& target) {
  if (!profile.is_object()) return wrong("it is no object");
  json kept = json::array();
  for (json entry : profile.value("syscalls", json::array())) {
    if (!entry.is_object()) return wrong("one of its syscalls is no object");
    if (!applies(entry, target)) continue;
    for (const char* docker : {"includes", "excludes", "comment"}) entry.erase(docker);
    kept.push_back(std::move(entry));
  }
  profile["syscalls"] = std::move(kept);
  if (profile.contains("archMap")) {
    for (const json& architecture : profile["archMap"]) {
      if (architecture.value("architecture", "") != libseccomp_name(target.architecture)) continue;
      profile["architectures"] = json::array({architecture["architecture"]});
      for (const json& also : architecture.value("subArchitectures", json::array()))
        profile["architectures"].push_back(also);
    }
    profile.erase("archMap");
  }
  return profile;
}

json empty_profile() { return {{"defaultAction", kAllow}, {"syscalls", json::array()}}; }

}  // namespace holdfast
