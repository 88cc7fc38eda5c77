// What a call that may make a file executable would do, asked of the kernel while its caller waits.
#pragma once

#include "sensor/kernel_event_facts.h"
#include "sensor/permission_call.h"
#include "sensor/permission_gate.h"

namespace holdfast {

// Nothing: no act, or no telling. May hang in the caller's memory or filesystems (BoundedCalls).
std::optional<Act> look_at_permission_call(const PermissionCall& call, pid_t tid,
                                           const RootMount& root, const Places& places);

}  // namespace holdfast
