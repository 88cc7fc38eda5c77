// How missing facts are told, and what a decision can come to without them.
#include "holdfast/missing_facts.h"

#include <array>
#include <utility>

#include "policy/engine.h"

namespace holdfast {
namespace {

FactMask fact_of(ConditionKind kind) {
  switch (kind) {
    case ConditionKind::image_name:
    case ConditionKind::image_full_name:
    case ConditionKind::image_tag:
      return kImageFact;
    case ConditionKind::orchestrator_type:
    case ConditionKind::namespace_:
    case ConditionKind::resource_name:
    case ConditionKind::cluster_name:  // a setting: known of whatever is Kubernetes'
      return kPodFact;
    case ConditionKind::labels:
      return kLabelsFact;
    case ConditionKind::cluster_id:
      return kClusterFact;
    case ConditionKind::operation:
      return 0;
    default:
      return kActFact;
  }
}

}  // namespace

std::string describe_facts(FactMask missing) {
  constexpr std::array<std::pair<FactMask, const char*>, 5> kNames{
      {{kPodFact, "the pod"},
       {kLabelsFact, "the pod's labels"},
       {kImageFact, "the image"},
       {kClusterFact, "the cluster"},
       {kClaimFact, "the runtime it belongs to"}}};
  std::string text;
  for (const auto& [fact, name] : kNames) {
    if ((missing & fact) != 0) text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

Engine::PossibleMatches Engine::possible_matches(const Event& event, FactMask missing) const {
  const SelectorBits all = by_operation_[static_cast<std::size_t>(event.operation)];
  PossibleMatches matches{all, all};
  for (const ConditionKind kind : used_) {
    const SelectorBits asked = all & columns_[static_cast<std::size_t>(kind)].constrained;
    if (asked.none()) continue;
    if ((fact_of(kind) & missing) != 0) {
      matches.certain &= ~asked;  // it may match, or not
      continue;
    }
    const SelectorBits met = ~asked | meeting(kind, event);
    matches.possible &= met;
    matches.certain &= met;
  }
  return matches;
}

DecisionWithout Engine::decide_without(const Event& event, FactMask missing) const {
  const PossibleMatches matches = possible_matches(event, missing);
  DecisionWithout result;
  SelectorBits deciding;
  for (const CompiledResponse& response : responses_for(event.operation)) {
    const bool possible =
        (response.match & matches.possible).any() && (response.exclude & matches.certain).none();
    if (!possible) continue;
    const bool certain =
        (response.match & matches.certain).any() && (response.exclude & matches.possible).none();
    if (!certain) result.certain = false;
    add_response(result.strictest, response);
    deciding |= response.match & matches.possible;
  }
  name_selectors(result.strictest, deciding);
  return result;
}

}  // namespace holdfast
