// Where the readers of policies and settings report what they find in one file.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/policy.h"

namespace holdfast {

struct Position {
  int line = 1;    // from 1
  int column = 1;  // from 1, in bytes
};

// A hostile text of 1 MiB could be worth hundreds of megabytes of complaints.
inline constexpr std::size_t kMaxDiagnostics = 1000;

class DiagnosticSink {
 public:
  explicit DiagnosticSink(std::string file) : file_(std::move(file)) {}

  void error(Position at, std::string text) {
    add(at, Diagnostic::Severity::error, std::move(text));
    ++errors_;
  }
  void warning(Position at, std::string text) {
    add(at, Diagnostic::Severity::warning, std::move(text));
  }

  std::size_t errors() const { return errors_; }
  std::size_t count() const { return diagnostics_.size(); }  // of those kept

  // The diagnostics so far, in line order; leaves none behind. The first kMaxDiagnostics are kept,
  // and a last one then says how many were not.
  std::vector<Diagnostic> take();

 private:
  void add(Position at, Diagnostic::Severity severity, std::string text) {
    if (diagnostics_.size() < kMaxDiagnostics) {
      diagnostics_.push_back({file_, at.line, at.column, severity, std::move(text)});
      return;
    }
    ++dropped_;
    if (severity == Diagnostic::Severity::error) dropped_severity_ = severity;
  }

  std::string file_;
  std::vector<Diagnostic> diagnostics_;
  std::size_t errors_ = 0;
  std::size_t dropped_ = 0;
  Diagnostic::Severity dropped_severity_ = Diagnostic::Severity::warning;
};

}  // namespace holdfast
