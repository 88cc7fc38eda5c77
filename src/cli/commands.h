// The subcommands: each returns the program's exit status.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/daemon.h"

namespace holdfast {

// Validates policies and settings; directories stand for their *.yml and *.yaml.
int check_command(const std::vector<std::string>& files);

// Prints the decision on one event, read from `event_file` or else from standard input, as JSON.
int explain_command(const std::vector<std::string>& policies,
                    const std::optional<std::string>& event_file);

struct StatusOptions {
  RunOptions run;  // only what says where the control socket is
  bool json = false;
};

// Asks the running daemon; 1 when none runs.
int status_command(const StatusOptions& options);

struct SeccompProfileOptions {
  std::optional<std::string> base;    // a profile; without it everything else is allowed
  std::optional<std::string> bundle;  // an OCI bundle that is changed, instead of printing
  std::string rules = "memfd";
  std::string listener = "/run/holdfast/seccomp.sock";
  bool resolve = false;      // docker's conditions, for `capabilities`
  std::string capabilities;  // "CAP_CHOWN,CAP_KILL"; empty: those a container has by default
};

// Prints an engine's seccomp profile with the rules of the seccomp agent.
int seccomp_profile_command(const SeccompProfileOptions& options);

}  // namespace holdfast
