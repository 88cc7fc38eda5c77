// What OCI runtimes (runc, crun, youki) and containerd's shims keep in /run about containers.
// Directories are given as this process reaches them.
#pragma once

#include <optional>
#include <string>

#include "container/workload_facts.h"

namespace holdfast {

// TASKS/NAMESPACE/ID/config.json, whatever the namespace.
std::optional<WorkloadFacts> containerd_task(const std::string& tasks, const std::string& id);

struct OciState {
  std::string rootfs;  // host path as the runtime wrote it; may be empty
  WorkloadFacts facts;
};

// STATE/ID/state.json (runc, youki) or STATE/ID/status (crun). `prefix` leads to the host's root,
// where the bundle is looked for.
std::optional<OciState> oci_state(const std::string& state, const std::string& id,
                                  const std::string& prefix);

}  // namespace holdfast
