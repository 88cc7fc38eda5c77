// The container process state that a runtime sends to a seccomp agent's socket, with the listener's
// descriptor (OCI runtime-spec, config-linux.md, "Container Process State").
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "holdfast/result.h"

namespace holdfast {

struct OciSeccompState {
  std::string container_id;
  std::size_t listener = 0;  // which of the descriptors is the seccomp listener
};

// `descriptors`: how many came with it. The error says what is wrong with the message.
Result<OciSeccompState> parse_seccomp_state(std::string_view json, std::size_t descriptors);

}  // namespace holdfast
