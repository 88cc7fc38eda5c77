// Lines of alert logs: what `replay` keeps of one is what the whole document says to another
// parser.
#include "fuzz.h"
#include "holdfast/policy.h"
#include "policy/event_reader.h"
#include "replay/recorded_event.h"
#include "replay/suggestion.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  const auto recorded = parse_recorded(text);
  if (!recorded || !*recorded) return;
  const auto document = nlohmann::json::parse(text, nullptr, false);
  require(!document.is_discarded(), "what is read is JSON");
  const auto whole = event_from_json(document);
  require(whole.ok(), "the whole document is an event");
  const Event& event = (*recorded)->event;
  require(event.operation == whole->operation && event.path == whole->path &&
              event.volume == whole->volume,
          "operation, path and volume are those of the whole document");
  require(event.workload->container.image_name == whole->workload->container.image_name,
          "the image is that of the whole document");
  Suggestion suggestion;
  suggestion.add(**recorded);
  const std::string policy = suggestion.policy();
  const auto set = compile_policies({{"p.yml", policy}}).set;
  require(set != nullptr, "a suggested policy is valid");
  require(policy.find("# Not silenced") != std::string::npos ||
              set->decide(event).strongest == Action::allow,
          "a suggested policy silences the act, or says that it does not");
}
