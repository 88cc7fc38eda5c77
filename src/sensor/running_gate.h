// What a running program is, before any policy: the exec watch's counterpart to the gates.
#pragma once

#include <cstdint>
#include <optional>

#include "container/running_program.h"
#include "sensor/gates.h"

namespace holdfast {

// `path`: the program's, as the container sees it. `root`: what the container's root holds.
// `created_ns`: of the container, since the epoch; none: unknown, and files of volumes are left to
// be. Nothing: it is the image's, the host's, or a volume's from before the container.
std::optional<Act> running_gate(const RunningProgram& program, FoundPlace place,
                                const std::string& path, RootContent& root,
                                std::optional<std::int64_t> created_ns);

}  // namespace holdfast
