// A file that is about to become executable without an open, as functions of facts: what that is,
// before any policy. The change watch tells of the same acts when they have happened.
#pragma once

#include <sys/types.h>

#include "sensor/gates.h"

namespace holdfast {

// x bits for the file, which exists. Nothing: it is the image's, or has such bits already.
// compare_gate() carries out the comparison that the act may need.
std::optional<Act> permission_gate(EventFacts& facts, RootContent& content, ExecutableRules rules);

// A new file with x bits, `name` in the directory that the facts are of.
std::optional<Act> new_file_gate(EventFacts& directory, const std::string& name, mode_t mode,
                                 RootContent& content, ExecutableRules rules);

}  // namespace holdfast
