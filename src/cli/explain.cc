// `holdfast explain`: decides events offline, with the daemon's own engine.
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/commands.h"
#include "cli/load_set.h"
#include "holdfast/policy.h"
#include "policy/explain_tree.h"

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

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// One event, over as many lines as it likes, or one a line.
Result<std::vector<Event>> parse_events(const std::string& text) {
  Result<Event> whole = parse_event_json(text);
  if (whole) return std::vector<Event>{std::move(*whole)};
  std::vector<Event> events;
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (is_blank(line)) continue;
    Result<Event> event = parse_event_json(line);
    // A first line that is no event is the beginning of one of several lines.
    if (!event && events.empty()) return whole.error();
    if (!event) {
      return Error{0, "line " + std::to_string(number) + ": " + event.error().message(), ""};
    }
    events.push_back(std::move(*event));
  }
  if (events.empty()) return whole.error();
  return events;
}

}  // namespace

int explain_command(const std::vector<std::string>& policies,
                    const std::optional<std::string>& event_file, bool tree) {
  const Result<std::shared_ptr<const PolicySet>> set = load_set(policies);
  if (!set) return fail(set.error().message());

  const auto text = read_event(event_file);
  if (!text) return fail(text.error().message());
  const auto events = parse_events(*text);
  if (!events) return fail(events.error().message());
  for (const Event& event : *events) {
    const std::string document = (*set)->explain(event);
    std::cout << (tree ? explain_tree(document, event) : document + "\n");
  }
  std::cout.flush();
  return 0;
}

}  // namespace holdfast
