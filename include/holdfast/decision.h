// The policy engine's answer for one event.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// Ordered by strength. As a decision, `allow` means that no response applied.
enum class Action : std::uint8_t { allow, log, alert, block };
std::string_view to_string(Action action);  // "block"

struct Decision {
  Action strongest = Action::allow;
  bool alert = false;  // each action some applying response asks for
  bool block = false;
  bool log = false;
  std::vector<std::string> selectors;  // match selectors of applying responses, in file order, once
  std::vector<std::string> policies;   // file names of the policies whose responses apply, once
};

}  // namespace holdfast
