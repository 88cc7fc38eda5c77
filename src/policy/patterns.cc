// Wildcards -> RE2.
#include "policy/patterns.h"

#include <cstdint>

namespace holdfast {
namespace {

// A limit, not a reservation: programs and their automata take what they need. RE2's default of
// 8 MiB is too little for some thousands of patterns in one set.
constexpr std::int64_t kMaxMemory = 32 << 20;

// One component of a path, in which "**" crosses slashes.
std::string component_expression(std::string_view component) {
  std::string expression;
  for (std::size_t i = 0; i < component.size();) {
    const std::size_t end = std::min(component.find_first_not_of('*', i), component.size());
    if (end - i >= 2) {
      expression += ".*";
    } else if (end - i == 1) {
      expression += "[^/]*";
    }
    const std::size_t next = std::min(component.find('*', end), component.size());
    expression += re2::RE2::QuoteMeta(re2::StringPiece(component.data() + end, next - end));
    i = next;
  }
  return expression;
}

}  // namespace

bool has_wildcard(std::string_view value) { return value.find('*') != std::string_view::npos; }

std::string_view literal_prefix(std::string_view pattern) {
  return pattern.substr(0, pattern.find('*'));
}

std::optional<Beginning> path_beginning(std::string_view pattern) {
  const std::string_view text = literal_prefix(pattern);
  const std::size_t stars = pattern.size() - text.size();
  if (stars < 2 || !text.starts_with('/') ||
      pattern.find_first_not_of('*', text.size()) != std::string_view::npos) {
    return std::nullopt;
  }
  const bool below = stars == 2 && text.ends_with('/');  // not the directory itself
  return Beginning{text, text.size() + (below ? 1 : 0)};
}

std::optional<Beginning> name_beginning(std::string_view pattern) {
  const std::string_view text = literal_prefix(pattern);
  if (text.size() == pattern.size() ||
      pattern.find_first_not_of('*', text.size()) != std::string_view::npos) {
    return std::nullopt;
  }
  return Beginning{text, text.size()};
}

std::string path_expression(std::string_view pattern) {
  std::string expression = "/";
  for (std::size_t start = 1; start <= pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', start), pattern.size());
    const std::string_view component = pattern.substr(start, end - start);
    const bool last = end == pattern.size();
    if (component == "**") {
      expression += last ? ".+" : "(?:.*/)?";
    } else if (component == "*" && last) {
      expression += "[^/]+";  // a child, not the directory itself
    } else {
      expression += component_expression(component);
      if (!last) expression += "/";
    }
    start = end + 1;
  }
  return expression;
}

std::string name_expression(std::string_view pattern) {
  std::string expression;
  for (std::size_t start = 0; start <= pattern.size();) {
    const std::size_t end = std::min(pattern.find('*', start), pattern.size());
    expression += re2::RE2::QuoteMeta(re2::StringPiece(pattern.data() + start, end - start));
    if (end < pattern.size()) expression += ".*";
    start = end + 1;
  }
  return expression;
}

re2::RE2::Options expression_options() {
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  return options;
}

}  // namespace holdfast
