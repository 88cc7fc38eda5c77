// `holdfast seccomp-profile`: an engine's profile with the rules of the seccomp agent.
#include "container/seccomp_profile.h"

#include <sys/utsname.h>

#include <cstdio>
#include <fstream>
#include <iostream>

#include "cli/commands.h"
#include "container/runtime_json.h"

namespace holdfast {
namespace {

// What docker, podman and containerd give a container that asks for nothing.
constexpr std::array kDefaultCapabilities{
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

int refuse(const std::string& text) {
  std::cerr << "holdfast: " << text << "\n";
  return 2;
}

ProfileTarget this_machine(const std::string& capabilities) {
  ProfileTarget target;
  utsname kernel{};
  uname(&kernel);
  target.architecture = kernel.machine;
  std::sscanf(kernel.release, "%d.%d", &target.kernel.first, &target.kernel.second);  // NOLINT
  if (capabilities.empty()) {
    target.capabilities.assign(kDefaultCapabilities.begin(), kDefaultCapabilities.end());
    return target;
  }
  std::size_t begin = 0;
  while (begin <= capabilities.size()) {
    const std::size_t end = std::min(capabilities.find(',', begin), capabilities.size());
    target.capabilities.push_back(capabilities.substr(begin, end - begin));
    begin = end + 1;
  }
  return target;
}

// The bundle's config.json gets the rules, by rename: a runtime reads the old one or the new one.
int change_bundle(const std::string& bundle, const NotifyRules& rules,
                  const std::string& listener) {
  const std::string path = bundle + "/config.json";
  std::optional<nlohmann::json> config = read_json_file(path);
  if (!config || !config->is_object()) return refuse(path + " is no bundle's configuration");
  nlohmann::json& linux = (*config)["linux"];
  if (linux.is_null()) linux = nlohmann::json::object();
  nlohmann::json base = linux.contains("seccomp") && linux["seccomp"].is_object() ? linux["seccomp"]
                                                                                  : empty_profile();
  Result<nlohmann::json> merged = add_notify_rules(std::move(base), rules, listener);
  if (!merged) return refuse(merged.error().message());
  linux["seccomp"] = std::move(*merged);
  const std::string fresh = path + ".holdfast";
  std::ofstream file(fresh);
  file << config->dump();
  file.close();
  if (!file || std::rename(fresh.c_str(), path.c_str()) != 0)
    return refuse("write " + path + ": " + std::strerror(errno));
  return 0;
}

}  // namespace

int seccomp_profile_command(const SeccompProfileOptions& options) {
  const Result<NotifyRules> rules = parse_notify_rules(options.rules);
  if (!rules) return refuse(rules.error().message());
  if (options.listener.empty() || options.listener.front() != '/')
    return refuse("--listener: " + options.listener + " is not an absolute path");
  if (options.bundle) return change_bundle(*options.bundle, *rules, options.listener);

  nlohmann::json base = empty_profile();
  if (options.base) {
    std::optional<nlohmann::json> read = read_json_file(*options.base);
    if (!read) return refuse(*options.base + " cannot be read, or is no JSON");
    base = std::move(*read);
  } else {
    std::cerr << "holdfast: without --base the profile allows every other call; name the engine's "
                 "own (docs/seccomp.md)\n";
  }
  if (options.resolve) {
    Result<nlohmann::json> resolved =
        resolve_conditions(std::move(base), this_machine(options.capabilities));
    if (!resolved) return refuse(resolved.error().message());
    base = std::move(*resolved);
  }
  const Result<nlohmann::json> merged = add_notify_rules(std::move(base), *rules, options.listener);
  if (!merged) return refuse(merged.error().message());
  std::cout << merged->dump(2) << "\n";
  return 0;
}

}  // namespace holdfast
