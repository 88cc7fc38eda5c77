// What has to hold before anything is marked: settings, policies, privileges, directories.
#pragma once

#include <string>
#include <vector>

#include "alert/alert_log.h"
#include "daemon/daemon.h"
#include "daemon/settings.h"
#include "holdfast/policy.h"
#include "holdfast/result.h"

namespace holdfast {

// A refusal to start: the exit status and the line for stderr.
struct StartupFailure {
  int exit_status = 2;
  std::string text;
};

template <typename T>
using Startup = std::variant<T, StartupFailure>;

// File, then flags.
Startup<Settings> load_settings(const RunOptions& options);

struct LoadedPolicies {
  std::shared_ptr<const PolicySet> set;
  std::vector<PolicyText> texts;
};

// All policies compiled; warnings are logged.
Startup<LoadedPolicies> load_policies(const Settings& settings);

// RUN_DIR/policies-in-force.json: a worker whose policy files are in error when it starts in place
// of a dead one goes on with these.
Status save_policies_in_force(const Settings& settings, const std::vector<PolicyText>& texts);
Result<LoadedPolicies> load_policies_in_force(const Settings& settings);

Status make_directories(const Settings& settings);

AlertLogSettings alert_log_settings(const Settings& settings);

}  // namespace holdfast
