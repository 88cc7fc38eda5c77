// Compiling selectors and responses, and deciding events by them.
#include "policy/engine.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace holdfast {
namespace {

std::optional<std::string_view> view(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

std::string_view last_component(std::string_view name) { return name.substr(name.rfind('/') + 1); }

// The event's fact that conditions of that kind compare, if it is known.
std::optional<std::string_view> fact(ConditionKind kind, const Event& event) {
  const Workload::Container& container = event.workload->container;
  const Workload::Orchestrator& orchestrator = event.workload->orchestrator;
  switch (kind) {
    case ConditionKind::orchestrator_type:
      return view(orchestrator.type);
    case ConditionKind::cluster_id:
      return view(orchestrator.cluster_id);
    case ConditionKind::cluster_name:
      return view(orchestrator.cluster_name);
    case ConditionKind::namespace_:
      return view(orchestrator.namespace_);
    case ConditionKind::resource_name:
      return view(orchestrator.resource_name);
    case ConditionKind::image_full_name:
      return view(container.image_name);
    case ConditionKind::image_tag:
      return view(container.image_tag);
    case ConditionKind::image_name:
      if (!container.image_name) return std::nullopt;
      return last_component(*container.image_name);
    case ConditionKind::process_name:
      return view(event.process.name);
    case ConditionKind::process_executable:
      return view(event.process.executable);
    case ConditionKind::target_path:
      return event.path;
    default:
      return std::nullopt;
  }
}

bool is_path(ConditionKind kind) {
  return kind == ConditionKind::target_path || kind == ConditionKind::process_executable;
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

}  // namespace

bool Engine::add(const std::string& file, const PolicyDocument& document) {
  const std::size_t policy = policies_.size();
  policies_.push_back(file);
  for (const Section& section : document.sections) {
    auto& responses = responses_[static_cast<std::size_t>(section.kind)];
    if (selectors_.size() + section.selectors.size() > kMaxSelectors ||
        responses.size() + section.responses.size() > kMaxSelectors) {
      return false;
    }
    std::unordered_map<std::string_view, std::size_t> by_name;
    for (const Selector& selector : section.selectors) {
      const std::size_t index = selectors_.size();
      by_name.emplace(selector.name.value, index);
      CompiledSelector compiled{policy, section.kind, selector.name.value, selector.operations, {}};
      for (int i = 0; i < kOperationCount; ++i) {
        if ((selector.operations & mask_of(static_cast<Operation>(i))) != 0)
          by_operation_[i].set(index);
      }
      for (const Condition& condition : selector.conditions) {
        compiled.conditions.emplace_back(condition.spec->kind, condition.spec->name);
        add_condition(condition, index);
      }
      selectors_.push_back(std::move(compiled));
    }
    std::size_t number = 0;
    for (const Response& response : section.responses) {
      CompiledResponse compiled{policy,         number++,       {},          {},
                                response.alert, response.block, response.log};
      for (const Text& name : response.match) compiled.match.set(by_name.at(name.value));
      for (const Text& name : response.exclude) compiled.exclude.set(by_name.at(name.value));
      in_match_ |= compiled.match;
      matched_by_.resize(selectors_.size());
      for_each_selector(compiled.match,
                        [&](std::size_t index) { matched_by_[index].set(responses.size()); });
      responses.push_back(compiled);
    }
  }
  return true;
}

void Engine::add_condition(const Condition& condition, std::size_t selector) {
  const ConditionKind kind = condition.spec->kind;
  if (kind == ConditionKind::operation) return;  // by_operation_
  Column& column = columns_[static_cast<std::size_t>(kind)];
  column.constrained.set(selector);
  if (condition.spec->is_flag) {
    column.asks_true.set(selector, condition.flag);
    return;
  }
  if (kind == ConditionKind::labels) {
    std::size_t slot = 0;
    for (const Text& value : condition.values) {
      labels_.add(value.value, condition.spec->all_values ? slot++ : 0, selector);
    }
    return;
  }
  for (const Text& value : condition.values) {
    if (is_path(kind)) {
      column.values.add_path(value.value, selector);
    } else {
      column.values.add_name(value.value, selector);
    }
  }
}

bool Engine::compile() {
  for (int i = 0; i < kConditionCount; ++i) {
    if (columns_[i].constrained.none()) continue;
    used_.push_back(static_cast<ConditionKind>(i));
    if (!columns_[i].values.compile()) return false;
  }
  // What is cheap and decides much comes first: where no selector is left the others are not asked.
  std::stable_sort(used_.begin(), used_.end(), [this](ConditionKind a, ConditionKind b) {
    const auto rank = [this](ConditionKind kind) {
      const Column& column = columns_[static_cast<std::size_t>(kind)];
      return std::pair(column.values.is_costly(), kMaxSelectors - column.constrained.count());
    };
    return rank(a) < rank(b);
  });
  return labels_.compile();
}

SelectorBits Engine::meeting(ConditionKind kind, const Event& event) const {
  const Column& column = columns_[static_cast<std::size_t>(kind)];
  SelectorBits met;
  switch (kind) {
    case ConditionKind::operation:
      return by_operation_[static_cast<std::size_t>(event.operation)];
    case ConditionKind::ignore_volume_mounts:
      return event.volume == Volume::none ? column.constrained : met;
    case ConditionKind::ignore_volume_files:
      return event.volume == Volume::none || event.volume == Volume::mount ? column.constrained
                                                                           : met;
    case ConditionKind::interactive:
      if (!event.process.interactive) return met;
      return *event.process.interactive ? column.asks_true : column.constrained & ~column.asks_true;
    case ConditionKind::labels: {
      const auto& labels = event.workload->orchestrator.resource_labels;
      return labels ? labels_.match(*labels) : met;
    }
    default:
      if (const auto text = fact(kind, event)) column.values.match(*text, met);
      return met;
  }
}

SelectorBits Engine::matching(const Event& event) const {
  SelectorBits live = by_operation_[static_cast<std::size_t>(event.operation)];
  for (const ConditionKind kind : used_) {
    if ((live & in_match_).none()) return live;  // excludes alone decide nothing
    const SelectorBits asked = live & columns_[static_cast<std::size_t>(kind)].constrained;
    if (asked.any()) live &= ~asked | meeting(kind, event);
  }
  return live;
}

Action Engine::CompiledResponse::strongest() const {
  if (block) return Action::block;
  if (alert) return Action::alert;
  return log ? Action::log : Action::allow;
}

Decision Engine::decide(const Event& event) const {
  const SelectorBits matching = this->matching(event);
  Decision decision;
  ResponseBits candidates;
  for_each_selector(matching & in_match_,
                    [&](std::size_t index) { candidates |= matched_by_[index]; });
  if (candidates.none()) return decision;
  SelectorBits deciding;
  for_each_selector(candidates, [&](std::size_t index) {
    const CompiledResponse& response = responses_for(event.operation)[index];
    if (!response.applies(matching)) return;
    add_response(decision, response);
    deciding |= response.match & matching;
  });
  name_selectors(decision, deciding);
  return decision;
}

void Engine::add_response(Decision& decision, const CompiledResponse& response) const {
  decision.strongest = std::max(decision.strongest, response.strongest());
  decision.alert |= response.alert;
  decision.block |= response.block;
  decision.log |= response.log;
  add_once(decision.policies, policies_[response.policy]);
}

void Engine::name_selectors(Decision& decision, const SelectorBits& deciding) const {
  for_each_selector(deciding, [&](std::size_t index) {
    add_once(decision.selectors, selectors_[index].name);  // two policies may use one name
  });
}

Action Engine::strongest_for(std::initializer_list<Operation> operations) const {
  Action strongest = Action::allow;
  for (const Operation operation : operations) {
    const SelectorBits& able = by_operation_[static_cast<std::size_t>(operation)];
    for (const CompiledResponse& response : responses_for(operation)) {
      if ((response.match & able).any()) strongest = std::max(strongest, response.strongest());
    }
  }
  return strongest;
}

}  // namespace holdfast
