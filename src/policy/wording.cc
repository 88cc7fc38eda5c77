// Quoting, lists of words and nearest words for diagnostics.
#include "policy/wording.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <utility>

#include "policy/utf8.h"

namespace holdfast {
namespace {

constexpr std::size_t kLongestQuote = 80;
constexpr std::size_t kLongestWord = 64;  // longer words are not misspelt keys

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Insertions, deletions, substitutions and swaps of neighbours that make `a` into `b`, letter case
// ignored (optimal string alignment). Neither is longer than kLongestWord.
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::uint8_t, kLongestWord + 1>, kLongestWord + 1> edits;
  for (std::size_t i = 0; i <= a.size(); ++i) edits[i][0] = static_cast<std::uint8_t>(i);
  for (std::size_t j = 0; j <= b.size(); ++j) edits[0][j] = static_cast<std::uint8_t>(j);
  const auto same = [&](std::size_t i, std::size_t j) {
    return lower(a[i - 1]) == lower(b[j - 1]);
  };
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      int least = edits[i - 1][j - 1] + (same(i, j) ? 0 : 1);
      least = std::min({least, edits[i - 1][j] + 1, edits[i][j - 1] + 1});
      if (i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j)) {
        least = std::min(least, edits[i - 2][j - 2] + 1);
      }
      edits[i][j] = static_cast<std::uint8_t>(least);
    }
  }
  return edits[a.size()][b.size()];
}

// Of one well-formed sequence; 0 for anything else.
char32_t code_point(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence.front());
  if (sequence.size() < 2) return first < 0x80 ? first : 0;
  char32_t value = first & (0x7FU >> sequence.size());
  for (const char c : sequence.substr(1)) value = value << 6 | (static_cast<unsigned>(c) & 0x3FU);
  return value;
}

// Unicode's separators, format characters and C1 controls as far as fonts leave them out.
bool is_invisible(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 10> kRanges{{{0x80, 0xA0},
                                                                   {0xAD, 0xAD},
                                                                   {0x61C, 0x61C},
                                                                   {0x180E, 0x180E},
                                                                   {0x2000, 0x200F},
                                                                   {0x2028, 0x202F},
                                                                   {0x205F, 0x206F},
                                                                   {0x3000, 0x3000},
                                                                   {0xFEFF, 0xFEFF},
                                                                   {0xE0000, 0xE007F}}};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [c](const auto& range) { return c >= range.first && c <= range.second; });
}

std::string hexadecimal(char32_t value, int least_digits) {
  std::string text;
  for (; value != 0 || static_cast<int>(text.size()) < least_digits; value >>= 4)
    text.insert(text.begin(), "0123456789ABCDEF"[value & 15]);
  return text;
}

}  // namespace

std::string in_quotes(std::string_view value) {
  const bool cut = value.size() > kLongestQuote;
  if (cut) {
    std::size_t end = kLongestQuote;
    // Not inside a UTF-8 sequence.
    while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
    value = value.substr(0, end);
  }
  std::string text = "\"";
  for (std::size_t i = 0; i < value.size();) {
    const auto byte = static_cast<unsigned char>(value[i]);
    const std::size_t length = std::max<std::size_t>(1, utf8_length(value.substr(i)));
    if (byte < 0x20 || byte == 0x7F) {
      text += "\\x" + hexadecimal(byte, 2);
    } else if (const char32_t character = code_point(value.substr(i, length));
               is_invisible(character)) {
      text += "\\u{" + hexadecimal(character, 4) + "}";
    } else {
      text += value.substr(i, length);
    }
    i += length;
  }
  return text + (cut ? "...\"" : "\"");
}

std::string one_of(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.size() > kLongestWord) return "";
  // A third of the letters wrong is still a slip of the keyboard; more is another word.
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    if (const std::size_t d = distance(word, candidate); d < best) {
      best = d;
      found = candidate;
    }
  }
  return found.empty() ? "" : "; did you mean " + in_quotes(found) + "?";
}

std::string invisible_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = std::max<std::size_t>(1, utf8_length(text.substr(i)));
    const char32_t character = code_point(text.substr(i, length));
    if (is_invisible(character)) return "U+" + hexadecimal(character, 4);
    i += length;
  }
  return "";
}

bool has_typographic_quotes(std::string_view text) {
  // U+2018 to U+201F in UTF-8: E2 80 98 to E2 80 9F.
  for (std::size_t at = text.find("\xE2\x80"); at != std::string_view::npos && at + 2 < text.size();
       at = text.find("\xE2\x80", at + 1)) {
    const auto last = static_cast<unsigned char>(text[at + 2]);
    if (last >= 0x98 && last <= 0x9F) return true;
  }
  return false;
}

}  // namespace holdfast
