// The daemon: `holdfast run`.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace holdfast {

struct RunOptions {
  std::optional<std::string> config;     // settings file; none: the default place, if it is there
  std::vector<std::string> policies;     // override the settings'
  std::optional<std::string> alerts;     // alert file, overrides the settings'
  std::optional<std::string> state_dir;  // sockets, lock and logs below it
};

inline constexpr const char* kDefaultConfig = "/etc/holdfast/holdfast.yml";

// Runs until SIGTERM or SIGINT. The exit status: 0, 1 for a policy in error, 2 for the environment;
// then stderr has said in one line what is wrong and what to do.
int run_daemon(const RunOptions& options);

}  // namespace holdfast
