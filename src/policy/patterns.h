// The wildcards of the policy language as RE2 expressions, for whole-text matches.
#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

bool has_wildcard(std::string_view value);

// What stands before the first wildcard; whatever the pattern matches begins with it.
std::string_view literal_prefix(std::string_view pattern);

// A pattern whose only wildcard is its end: it matches what begins with `text` and is at least
// `shortest` bytes long.
struct Beginning {
  std::string_view text;
  std::size_t shortest = 0;
};
std::optional<Beginning> path_beginning(std::string_view pattern);
std::optional<Beginning> name_beginning(std::string_view pattern);

// `*` is any run of characters but "/", `**` any run at all. `**` alone between slashes also stands
// for nothing ("/a/**/b" matches "/a/b"); at the end it stands for at least one character.
std::string path_expression(std::string_view pattern);

// `*` is any run of characters.
std::string name_expression(std::string_view pattern);

// Bytes rather than UTF-8, since paths are bytes; errors are reported by return values alone.
re2::RE2::Options expression_options();

}  // namespace holdfast
