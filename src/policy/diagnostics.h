// Where the readers of policies and settings report what they find in one file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "holdfast/policy.h"

namespace holdfast {

struct Position {
  int line = 1;    // from 1
  int column = 1;  // from 1, in bytes
};

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
  std::size_t count() const { return diagnostics_.size(); }

  // The diagnostics so far, in line order; leaves none behind.
  std::vector<Diagnostic> take();

 private:
  void add(Position at, Diagnostic::Severity severity, std::string text) {
    diagnostics_.push_back({file_, at.line, at.column, severity, std::move(text)});
  }

  std::string file_;
  std::vector<Diagnostic> diagnostics_;
  std::size_t errors_ = 0;
};

}  // namespace holdfast
