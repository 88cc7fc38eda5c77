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
  if (dropped_ > 0) {
    const Diagnostic& last = diagnostics_.back();
    diagnostics_.push_back({file_, last.line, last.column, dropped_severity_,
                            std::to_string(dropped_) + " more problems; solve those above first"});
  }
  dropped_ = 0;
  dropped_severity_ = Diagnostic::Severity::warning;
  return std::exchange(diagnostics_, {});
}

}  // namespace holdfast
