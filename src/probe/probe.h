// Runs the attempts in a process that can be ended, and collects what they found.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/result.h"
#include "probe/findings.h"

namespace holdfast {

// Takes a tenth of a second, less than two if an attempt hangs, and leaves nothing behind.
// `host_prefix` leads to the host's files (HostView::prefix()).
Result<Findings> probe_machine(const std::string& host_prefix);

// One line of what the attempting process writes; pure. Nothing: it is none.
void take_line(std::string_view line, Findings& findings);
// The first feature of which nothing was found is where it hung; pure.
void note_hang(Findings& findings);
std::string finding_line(Feature feature, const Finding& finding);
std::string modules_line(std::string_view names);

}  // namespace holdfast
