// The policy engine: selectors compiled into one column for each kind of condition, so that an
// event is compared with all selectors at once and the cost hardly depends on how many there are.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/policy.h"
#include "policy/label_index.h"
#include "policy/policy_document.h"
#include "policy/selector_bits.h"
#include "policy/value_index.h"

namespace holdfast {

class Engine final : public PolicySet {
 public:
  // Adds a policy whose document has no errors. Call before compile().
  // False: more than kMaxSelectors in all, or as many responses of one section.
  [[nodiscard]] bool add(const std::string& file, const PolicyDocument& document);

  // False: the patterns need too much memory. From here on the engine is immutable.
  [[nodiscard]] bool compile();

  Decision decide(const Event& event) const override;
  DecisionWithout decide_without(const Event& event, FactMask missing) const override;
  std::string explain(const Event& event) const override;
  Action strongest_for(std::initializer_list<Operation> operations) const override;

 private:
  struct CompiledSelector {
    std::size_t policy = 0;
    SectionKind section = SectionKind::file;
    std::string name;
    OperationMask operations = 0;
    std::vector<std::pair<ConditionKind, std::string>> conditions;  // kind and spelling, as written
  };
  struct CompiledResponse {
    std::size_t policy = 0;
    std::size_t index = 0;  // within policy and section
    SelectorBits match;
    SelectorBits exclude;
    bool alert = false;
    bool block = false;
    bool log = false;

    Action strongest() const;
    bool applies(const SelectorBits& matching) const {
      return (match & matching).any() && (exclude & matching).none();
    }
  };
  struct Column {
    SelectorBits constrained;  // selectors with a condition of this kind
    SelectorBits asks_true;    // of a flag's
    ValueIndex values;         // of a list's
  };

  void add_condition(const Condition& condition, std::size_t selector);
  // The selectors whose condition of that kind the event meets.
  SelectorBits meeting(ConditionKind kind, const Event& event) const;
  // The selectors of the event's section that match; those that can decide nothing may be left out.
  SelectorBits matching(const Event& event) const;
  struct PossibleMatches {
    SelectorBits possible;  // selectors that match for some values of the missing facts
    SelectorBits certain;   // for all
  };
  PossibleMatches possible_matches(const Event& event, FactMask missing) const;
  void add_response(Decision& decision, const CompiledResponse& response) const;
  void name_selectors(Decision& decision, const SelectorBits& deciding) const;
  const std::vector<CompiledResponse>& responses_for(Operation operation) const {
    return responses_[static_cast<std::size_t>(section_of(operation))];
  }

  std::vector<std::string> policies_;  // file names
  std::vector<CompiledSelector> selectors_;
  std::array<std::vector<CompiledResponse>, kSectionCount> responses_;
  std::array<SelectorBits, kOperationCount> by_operation_;
  SelectorBits in_match_;                 // selectors that some response matches
  std::vector<ResponseBits> matched_by_;  // by selector: the responses of its section that match it
  std::array<Column, kConditionCount> columns_;
  std::vector<ConditionKind> used_;  // kinds some selector has, but operation
  LabelIndex labels_;
};

}  // namespace holdfast
