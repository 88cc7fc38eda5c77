// A policy whose exclude selectors silence what was recorded.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "policy/language.h"
#include "replay/recorded_event.h"

namespace holdfast {

class Suggestion {
 public:
  void add(const RecordedEvent& recorded);

  // The policy as YAML, valid whatever was recorded; comments say what is wide, and what could not
  // be silenced.
  std::string policy() const;

 private:
  // Image ("": unknown) and operation.
  using Place = std::pair<std::string, Operation>;

  std::map<Place, std::set<std::string>> paths_;  // of processes the executables
  std::map<std::string, std::uint64_t> unnamed_;  // why acts cannot be excluded
  std::map<SectionKind, Action> strongest_;
};

}  // namespace holdfast
