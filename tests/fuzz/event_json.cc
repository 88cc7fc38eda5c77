// Events and alert documents as JSON; what is written from an event reads back as the same event.
#include "alert/alert_record.h"
#include "fuzz.h"
#include "holdfast/event.h"

using namespace holdfast;

namespace {

Event read_back(const Event& event) {
  AlertRecord record;
  record.event = event;
  record.process.process.args = {event.path};
  const auto again = parse_event_json(alert_document(record, HostFacts(), "alerts", 1));
  require(again.ok(), "an alert document is an event");
  return *again;
}

}  // namespace

void fuzz(std::string_view text) {
  const auto event = parse_event_json(text);
  if (!event) {
    require(event.error().message().find('\n') == std::string::npos, "an error is one line");
    return;
  }
  require(event->workload != nullptr, "an event has a workload");
  const Event again = read_back(*event);
  require(again.operation == event->operation && again.path == event->path,
          "operation and path read back");
  require(again.process.pid == event->process.pid, "the process reads back");
  require(again.workload->container.id == event->workload->container.id,
          "the container reads back");
}
