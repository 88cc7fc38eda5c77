// From the paths that were seen to the paths that an exclude selector names.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace holdfast {

struct SuggestedPath {
  std::string pattern;
  std::string
      remark;  // for the author: what is wider than what was seen, and how much; may be empty
};

// Names that differ in numbers alone become one name with `*` for each; five and more files of a
// directory become its `*`; both stay within one component of a path. Only when more than 32
// patterns are left, those of five and more neighbouring directories become `**`, with a remark.
std::vector<SuggestedPath> generalise(const std::set<std::string>& paths);

// Whether a policy can name it: no `**`, no typographic quotes.
bool can_be_named(const std::string& path);

}  // namespace holdfast
