// From a text to an event, in two steps: a document of what an event can hold, then its facts.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "holdfast/event.h"

namespace holdfast {

// Levels of lists and objects in a document.
inline constexpr std::size_t kDeepestEvent = 64;

// The members of an event or an alert document that are asked for, here and by replay; the others
// are only checked to be well formed. Error: the text is no JSON, or
// nested deeper; tells where.
Result<nlohmann::json> read_event_document(std::string_view text);

// The event of such a document. Error: it is none; names the member.
Result<Event> event_from_json(const nlohmann::json& document);

}  // namespace holdfast
