// The worker: decides and reports everything, until its keeper sends SIGTERM.
#pragma once

#include <sys/types.h>

#include <vector>

#include "daemon/host_view.h"
#include "daemon/settings.h"
#include "daemon/shared_state.h"
#include "daemon/startup.h"
#include "kernel/proc_connector.h"

namespace holdfast {

struct WorkerContext {
  const Settings& settings;
  const LoadedPolicies& policies;  // as they were when the keeper started
  const HostView& host;
  SharedState& state;
  // The keeper's, as a worker may not subscribe; or why there is none.
  const Result<ProcConnector>& exec_events;
  pid_t keeper = 0;
  int seccomp_socket = -1;  // listening, the keeper's
  std::vector<int> keepers_descriptors;
};

// In a process of its own, cloned from the keeper. The exit status: 0 on SIGTERM, 2 if it cannot
// start (stderr has said why).
int run_worker(const WorkerContext& context);

}  // namespace holdfast
