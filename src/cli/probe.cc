// `holdfast probe`: what can be enforced on this machine.
#include "probe/probe.h"

#include <iostream>

#include "cli/commands.h"
#include "daemon/host_view.h"
#include "probe/verdicts.h"

namespace holdfast {

int probe_command(bool json) {
  const Result<HostView> host = HostView::find("auto");
  // Where the host's files cannot be reached, its own have to do.
  const Result<Findings> findings = probe_machine(host ? host->prefix() : "");
  if (!findings) {
    std::cerr << "holdfast: " << findings.error().message() << "\n";
    return 2;
  }
  std::cout << (json ? probe_json(*findings) : probe_text(*findings)) << std::flush;
  return can_enforce(judge(*findings)) ? 0 : 1;
}

}  // namespace holdfast
