#include "cli/load_set.h"

#include <algorithm>

namespace holdfast {
namespace {

std::string first_error(const std::vector<Diagnostic>& diagnostics) {
  const auto is_error = [](const Diagnostic& diagnostic) {
    return diagnostic.severity == Diagnostic::Severity::error;
  };
  const auto first = std::find_if(diagnostics.begin(), diagnostics.end(), is_error);
  const auto count = std::count_if(diagnostics.begin(), diagnostics.end(), is_error);
  return first->to_string() +
         (count > 1 ? " (and " + std::to_string(count - 1) + " more; run holdfast check)" : "");
}

}  // namespace

Result<std::shared_ptr<const PolicySet>> load_set(const std::vector<std::string>& policies) {
  const auto texts = read_policies(policies);
  if (!texts) return texts.error();
  if (texts->empty()) {
    return Error{0, "no policy: name files with --policy, or directories with *.yml files", ""};
  }
  CompiledPolicies compiled = compile_policies(*texts);
  if (!compiled.set) return Error{0, first_error(compiled.diagnostics), ""};
  return std::move(compiled.set);
}

}  // namespace holdfast
