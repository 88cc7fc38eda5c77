// A policy file as plain data with positions: what the parser makes and the compiler reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/diagnostics.h"
#include "policy/language.h"

namespace holdfast {

struct Text {
  std::string value;
  Position at;
  bool quoted = false;  // or a block: text to every reader of YAML, whatever it looks like
};

struct Condition {
  const ConditionSpec* spec = nullptr;
  Position at;               // of its key
  std::vector<Text> values;  // a list's; none for a flag and for `operation`
  bool flag = false;         // a flag's
};

struct Selector {
  Text name;
  OperationMask operations = 0;       // never 0 in a valid document
  std::vector<Condition> conditions;  // as written, but for those that say nothing:
  std::vector<Condition> idle;        // flags that are false
  bool faulty = false;  // errors were reported: more of them would only follow from those

  const Condition* find(ConditionKind kind) const {
    for (const Condition& condition : conditions) {
      if (condition.spec->kind == kind) return &condition;
    }
    return nullptr;
  }
};

struct Response {
  Position at;
  std::vector<Text> match;
  std::vector<Text> exclude;
  bool alert = false;
  bool block = false;
  bool log = false;
  Position block_at;  // of `block` among the actions
};

struct Section {
  SectionKind kind = SectionKind::file;
  bool flat = false;
  std::vector<Selector> selectors;
  std::vector<Response> responses;
};

struct PolicyDocument {
  std::optional<Text> version;
  std::vector<Section> sections;  // as written
};

}  // namespace holdfast
