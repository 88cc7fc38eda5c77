// Who made an overlay that is not among the host's mounts. The paths of its layers hold in the
// mount namespace of its maker: in a container's own they may lead to a FUSE server of the
// container's, while the same paths look harmless on the host.
#pragma once

#include <sys/types.h>

#include <string>

#include "container/cgroup_path.h"
#include "container/mountinfo.h"
#include "container/overlay_layers.h"

namespace holdfast {

// Empty if an ancestor of `pid` that no container owns (a container's monitor or shim, in a mount
// namespace of its own) has the overlay among its mounts and finds there the same directories that
// `layers` name on the host; else why the layers are not to be trusted.
std::string why_layers_are_unknown(const Mount& overlay, const OverlayLayers& layers,
                                   const std::string& host_prefix, pid_t pid,
                                   const KnownIds& known_ids);

}  // namespace holdfast
