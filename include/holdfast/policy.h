// Policies: YAML text -> document with positions -> compiled, immutable PolicySet.
// The same engine serves check, explain and the daemon. Language: docs/policy.md.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/decision.h"
#include "holdfast/event.h"
#include "holdfast/missing_facts.h"
#include "holdfast/result.h"

namespace holdfast {

struct Diagnostic {
  enum class Severity { error, warning };
  std::string file;
  int line = 1;    // from 1
  int column = 1;  // from 1
  Severity severity = Severity::error;
  std::string text;  // names the selector or response, the value, the rule and a remedy

  std::string to_string() const;  // "FILE:LINE:COL: error: TEXT"
};

struct PolicyText {
  std::string file;  // name used in diagnostics, explanations and alerts
  std::string text;  // YAML

  bool operator==(const PolicyText&) const = default;
};

// What an event's decision can come to while facts about its container are missing.
struct DecisionWithout {
  Decision strictest;   // of all responses that could apply
  bool certain = true;  // it is the decision, whatever the missing facts are
};

// A compiled set of policies, all in force together. Immutable: share it, swap it, never change it.
class PolicySet {
 public:
  virtual ~PolicySet() = default;

  // Decides one event. No I/O; safe from any thread.
  virtual Decision decide(const Event& event) const = 0;

  // The same while some facts are missing.
  virtual DecisionWithout decide_without(const Event& event, FactMask missing) const = 0;

  // The explain document of the contract, as one JSON object (not indented).
  virtual std::string explain(const Event& event) const = 0;

  // The strongest action any response could take for any of these operations, whatever the other
  // facts: tells the daemon which marks a container needs.
  virtual Action strongest_for(std::initializer_list<Operation> operations) const = 0;
};

struct CompiledPolicies {
  std::shared_ptr<const PolicySet> set;  // null when any diagnostic is an error
  std::vector<Diagnostic> diagnostics;   // all of them, in file and line order
};

// d4c: what holdfast accepts, and Elastic's current rules besides, so that a policy can be carried
// over.
enum class PolicyRules { holdfast, d4c };

// Never throws; every problem of every file becomes a diagnostic.
CompiledPolicies compile_policies(const std::vector<PolicyText>& texts,
                                  PolicyRules rules = PolicyRules::holdfast);

// Reads files and `*.yml` / `*.yaml` in directories (sorted by name). An unreadable file is an
// Error.
Result<std::vector<PolicyText>> read_policies(const std::vector<std::string>& paths);

}  // namespace holdfast
