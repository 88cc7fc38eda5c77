// From the texts of policies to the set in force.
#include <exception>
#include <iterator>

#include "policy/d4c_rules.h"
#include "policy/engine.h"
#include "policy/policy_parser.h"

namespace holdfast {
namespace {

// The engine is filled policy by policy; the first file that goes beyond a limit is named.
void add_policy(Engine& engine, const PolicyText& text, PolicyRules rules, CompiledPolicies& result,
                bool& valid) {
  DiagnosticSink sink(text.file);
  try {
    const PolicyDocument document = parse_policy(text.text, sink);
    check_references(document, sink);
    if (rules == PolicyRules::d4c) check_d4c(document, sink);
    if (sink.errors() == 0 && valid && !engine.add(text.file, document)) {
      sink.error({}, "more than " + std::to_string(kMaxSelectors) +
                         " selectors or responses in all policies together; merge those that "
                         "differ in one value");
    }
  } catch (const std::exception& exception) {
    sink.error({}, std::string("cannot be compiled: ") + exception.what());
  }
  valid = valid && sink.errors() == 0;
  auto found = sink.take();
  result.diagnostics.insert(result.diagnostics.end(), std::make_move_iterator(found.begin()),
                            std::make_move_iterator(found.end()));
}

}  // namespace

CompiledPolicies compile_policies(const std::vector<PolicyText>& texts, PolicyRules rules) {
  CompiledPolicies result;
  auto engine = std::make_shared<Engine>();
  bool valid = true;
  for (const PolicyText& text : texts) add_policy(*engine, text, rules, result, valid);
  if (valid && !engine->compile()) {
    valid = false;
    result.diagnostics.push_back(
        {texts.back().file, 1, 1, Diagnostic::Severity::error,
         "the wildcard values of all policies together need too much memory; "
         "use fewer, or replace them by values without wildcards"});
  }
  if (valid) result.set = std::move(engine);
  return result;
}

}  // namespace holdfast
