// What `holdfast status` shows, as JSON.
#pragma once

#include <string>
#include <vector>

#include "alert/alert_log.h"
#include "daemon/huge_page_gate.h"
#include "daemon/identity_store.h"
#include "daemon/registry.h"
#include "sensor/exec_watch.h"
#include "sensor/seccomp_agent.h"

namespace holdfast {

struct DaemonStatus {
  std::vector<std::string> policies;
  std::shared_ptr<const PolicySet> policy_set;  // in force
  IdentityRules identity_rules;
  bool enforcing = false;  // some policy blocks
  bool runtime_hold = false;
  std::uint64_t runtime_hold_restarts = 0;
  std::string exec_watch;         // "on", "scans only" or "off"
  std::string exec_watch_reason;  // why execs are not heard of
  const ExecWatchCounters* exec_watch_counters = nullptr;
  const SeccompAgent* seccomp = nullptr;
  HugePageStatus huge_pages;
  std::string policy_error;  // of the last reload; empty when it succeeded
  std::vector<ContainerStatus> containers;
  std::vector<IdentityStore::ApiState> runtimes;  // that are asked who containers are
  IdentityStore::Size identities;
  AlertLogCounters alerts;
  pid_t keeper = 0;
  pid_t worker = 0;
  std::uint64_t worker_restarts = 0;  // of this keeper
  std::uint64_t workers_killed = 0;   // of those, because events had aged
};

std::string status_document(const DaemonStatus& status, const GateCounters& counters,
                            const ChangeCounters& changes);

}  // namespace holdfast
