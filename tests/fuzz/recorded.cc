// Lines of alert logs: what `replay` keeps of one is what the whole document says.
#include "fuzz.h"
#include "holdfast/policy.h"
#include "replay/recorded_event.h"
#include "replay/suggestion.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  const auto recorded = parse_recorded(text);
  const auto whole = parse_event_json(text);
  if (!recorded || !*recorded) return;
  require(whole.ok(), "what replay reads, explain reads");
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
