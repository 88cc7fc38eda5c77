// The engine's account of a decision: the explain document of the contract.
#include <nlohmann/json.hpp>

#include "policy/engine.h"

namespace holdfast {
namespace {

using Json = nlohmann::ordered_json;  // members stand in the order of the contract

Json actions_of(const Decision& decision) {
  Json actions = Json::array();
  if (decision.alert) actions.push_back("alert");
  if (decision.block) actions.push_back("block");
  if (decision.log) actions.push_back("log");
  return actions;
}

}  // namespace

std::string Engine::explain(const Event& event) const {
  const SectionKind section = section_of(event.operation);
  SelectorBits all;
  for (std::size_t i = 0; i < selectors_.size(); ++i) all.set(i, selectors_[i].section == section);
  std::array<SelectorBits, kConditionCount> met;
  for (int i = 0; i < kConditionCount; ++i) met[i] = meeting(static_cast<ConditionKind>(i), event);

  SelectorBits matching;
  Json selectors = Json::array();
  for_each_selector(all, [&](std::size_t index) {
    const CompiledSelector& selector = selectors_[index];
    Json failed = Json::array();
    // No operation named, and yet not every operation: the flat form's.
    bool matches = by_operation_[static_cast<std::size_t>(event.operation)].test(index);
    for (const auto& [kind, spelling] : selector.conditions) {
      if (met[static_cast<std::size_t>(kind)].test(index)) continue;
      failed.push_back(spelling);
      matches = false;
    }
    if (!matches && failed.empty()) failed.push_back("operation");
    matching.set(index, matches);
    selectors.push_back({{"policy", policies_[selector.policy]},
                         {"section", to_string(section)},
                         {"name", selector.name},
                         {"matches", matches},
                         {"failed", std::move(failed)}});
  });

  const auto names = [&](const SelectorBits& bits) {
    Json list = Json::array();
    for_each_selector(bits, [&](std::size_t index) { list.push_back(selectors_[index].name); });
    return list;
  };
  Json responses = Json::array();
  for (const CompiledResponse& response : responses_for(event.operation)) {
    responses.push_back({{"policy", policies_[response.policy]},
                         {"section", to_string(section)},
                         {"index", response.index},
                         {"matched", names(response.match & matching)},
                         {"excluded", names(response.exclude & matching)},
                         {"applies", response.applies(matching)}});
  }
  const Decision decision = decide(event);
  const Json document = {{"decision", to_string(decision.strongest)},
                         {"actions", actions_of(decision)},
                         {"responses", std::move(responses)},
                         {"selectors", std::move(selectors)}};
  // A policy's file name need not be UTF-8.
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace holdfast
