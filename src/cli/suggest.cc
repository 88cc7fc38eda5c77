// `holdfast suggest`: exclude selectors from an alert log.
#include <iostream>

#include "cli/commands.h"
#include "replay/suggestion.h"

namespace holdfast {

int suggest_command(const std::vector<std::string>& logs) {
  Suggestion suggestion;
  const auto unread = each_recorded(
      logs, 1, [&](unsigned /*thread*/, const RecordedEvent& event) { suggestion.add(event); });
  if (!unread) {
    std::cerr << "holdfast suggest: " << unread.error().message() << "\n";
    return 2;
  }
  if (unread->malformed > 0) std::cerr << "holdfast suggest: " << complaint(*unread) << "\n";
  std::cout << suggestion.policy() << std::flush;
  return 0;
}

}  // namespace holdfast
