// Diagnostics: their order and their one-line form.
#include "policy/diagnostics.h"

#include <algorithm>
#include <tuple>

namespace holdfast {

std::string Diagnostic::to_string() const {
  return file + ":" + std::to_string(line) + ":" + std::to_string(column) +
         (severity == Severity::error ? ": error: " : ": warning: ") + text;
}

std::vector<Diagnostic> DiagnosticSink::take() {
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.line, a.column) < std::tie(b.line, b.column);
                   });
  return std::exchange(diagnostics_, {});
}

}  // namespace holdfast
