// How diagnostics quote what an author wrote, and suggest what was meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// The value in double quotes, on one line: control characters become \xNN, others that a terminal
// does not show as they are \u{NNNN}, and what is longer than 80 bytes is cut with "...".
std::string in_quotes(std::string_view value);

// "a, b or c"
std::string one_of(const std::vector<std::string_view>& words);

// A file with that many problems needs no help with spelling, and the search costs.
inline constexpr std::size_t kMaxSuggestions = 100;

// "; did you mean \"x\"?" when one of `candidates` is near enough to `word` to be what was meant,
// else empty.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates);

// True when the text has a quotation mark that word processors put in place of " and '.
bool has_typographic_quotes(std::string_view text);

// "U+200B" for the first character that is not seen, or that turns the order of those around it;
// empty: there is none. Spaces other than U+0020 count.
std::string invisible_character(std::string_view text);

}  // namespace holdfast
