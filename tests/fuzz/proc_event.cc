// Datagrams of the process events connector.
#include "fuzz.h"
#include "kernel/proc_connector.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  const auto event = parse_proc_event(text);
  if (!event) return;
  require(text.size() >= 60, "an event has its data");
  if (const auto* exec = std::get_if<ExecEvent>(&*event)) {
    require(exec->process > 0, "a process has an id");
  }
}
