// The subcommands: each returns the program's exit status.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/daemon.h"

namespace holdfast {

struct CheckOptions {
  bool d4c = false;   // Elastic's rules besides
  bool json = false;  // one document instead of lines
};

// Validates policies and settings; directories stand for their *.yml and *.yaml.
int check_command(const std::vector<std::string>& files, const CheckOptions& options = {});

// Prints the decision on each event (one, or one a line), read from `event_file` or else from
// standard input: as JSON, or as a tree for people.
int explain_command(const std::vector<std::string>& policies,
                    const std::optional<std::string>& event_file, bool tree = false);

// Decides recorded alerts and events again, under these policies, and prints what would change.
int replay_command(const std::vector<std::string>& policies, const std::vector<std::string>& logs,
                   bool json);

// Prints a policy whose exclude selectors silence the recorded alerts.
int suggest_command(const std::vector<std::string>& logs);

// Tries what this machine can enforce and prints it; 1 when nothing can be enforced.
int probe_command(bool json);

struct StatusOptions {
  RunOptions run;  // only what says where the control socket is
  bool json = false;
  bool watch = false;  // again and again
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
