// `holdfast check`: validates policies and settings, and prints what is wrong with them.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "cli/commands.h"
#include "daemon/settings.h"
#include "holdfast/policy.h"

namespace holdfast {
namespace {

void print_json(const std::vector<PolicyText>& texts, const std::vector<Diagnostic>& diagnostics,
                bool valid) {
  nlohmann::ordered_json document = {{"valid", valid},
                                     {"files", nlohmann::ordered_json::array()},
                                     {"diagnostics", nlohmann::ordered_json::array()}};
  for (const PolicyText& text : texts) document["files"].push_back(text.file);
  for (const Diagnostic& diagnostic : diagnostics) {
    const bool error = diagnostic.severity == Diagnostic::Severity::error;
    document["diagnostics"].push_back({{"file", diagnostic.file},
                                       {"line", diagnostic.line},
                                       {"column", diagnostic.column},
                                       {"severity", error ? "error" : "warning"},
                                       {"text", diagnostic.text}});
  }
  // A file's name need not be UTF-8.
  std::cout << document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

}  // namespace

int check_command(const std::vector<std::string>& files, const CheckOptions& options) {
  const auto texts = read_policies(files);
  if (!texts) {
    std::cerr << "holdfast check: " << texts.error().message() << "\n";
    return 2;
  }
  if (texts->empty()) {
    std::cerr
        << "holdfast check: no policy to check: name files, or directories with *.yml files\n";
    return 2;
  }
  std::vector<PolicyText> policies;
  std::vector<Diagnostic> diagnostics;
  std::unordered_map<std::string, std::size_t> order;  // of the files, as named
  for (const PolicyText& text : *texts) {
    order.emplace(text.file, order.size());
    if (looks_like_policy(text.file, text.text)) {
      policies.push_back(text);
    } else {
      const auto found = parse_settings(text.file, text.text).diagnostics;
      diagnostics.insert(diagnostics.end(), found.begin(), found.end());
    }
  }
  // Together, as the daemon has them in force together.
  const auto found =
      compile_policies(policies, options.d4c ? PolicyRules::d4c : PolicyRules::holdfast)
          .diagnostics;
  diagnostics.insert(diagnostics.end(), found.begin(), found.end());
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) {
                     return order.at(a.file) < order.at(b.file);
                   });
  const bool invalid =
      std::any_of(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& diagnostic) {
        return diagnostic.severity == Diagnostic::Severity::error;
      });
  if (options.json) {
    print_json(*texts, diagnostics, !invalid);
  } else {
    for (const Diagnostic& diagnostic : diagnostics) std::cout << diagnostic.to_string() << "\n";
  }
  std::cout.flush();
  return invalid ? 1 : 0;
}

}  // namespace holdfast
