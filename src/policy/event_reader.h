// Events from JSON that was parsed already.
#pragma once

#include <nlohmann/json.hpp>

#include "holdfast/event.h"

namespace holdfast {

// Levels of lists and objects in a document; what lies deeper is left out.
inline constexpr int kDeepestEvent = 64;

// What parse_event_json() does with the text's document.
Result<Event> event_from_json(const nlohmann::json& document);

}  // namespace holdfast
