// `holdfast explain`: decides one event offline, with the daemon's own engine.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/commands.h"
#include "holdfast/policy.h"

namespace holdfast {
namespace {

int fail(const std::string& text) {
  std::cerr << "holdfast explain: " << text << "\n";
  return 2;
}

Result<std::string> read_event(const std::optional<std::string>& file) {
  std::ostringstream text;
  if (!file || *file == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  const std::ifstream stream(*file, std::ios::binary);
  if (!stream) return errno_error("open " + *file, "check the path and its permissions");
  text << stream.rdbuf();
  if (text.fail())
    return Error{0, "read " + *file + ": no event in it", "is it an empty file or a directory?"};
  return text.str();
}

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

int explain_command(const std::vector<std::string>& policies,
                    const std::optional<std::string>& event_file) {
  const auto texts = read_policies(policies);
  if (!texts) return fail(texts.error().message());
  if (texts->empty())
    return fail("no policy: name files with --policy, or directories with *.yml files");
  const CompiledPolicies compiled = compile_policies(*texts);
  if (!compiled.set) return fail(first_error(compiled.diagnostics));

  const auto text = read_event(event_file);
  if (!text) return fail(text.error().message());
  const auto event = parse_event_json(*text);
  if (!event) return fail(event.error().message());
  std::cout << compiled.set->explain(*event) << std::endl;
  return 0;
}

}  // namespace holdfast
