// What a single value of a condition must look like.
#pragma once

#include <string>

#include "policy/policy_document.h"

namespace holdfast {

// Reports every problem of the value; false when one of them is an error. `owner` names the
// selector.
bool check_value(const ConditionSpec& spec, const Text& value, const std::string& owner,
                 DiagnosticSink& sink);

// Reports an empty text and typographic quotes. `what` is "name" or a condition's spelling.
bool check_text(std::string_view what, const Text& text, const std::string& owner,
                DiagnosticSink& sink);

// Warns of a character that nobody sees and that is part of the text all the same.
void warn_of_invisible(std::string_view what, const Text& text, const std::string& owner,
                       DiagnosticSink& sink);

}  // namespace holdfast
