// YAML text as a tree with positions. Bounded: size, depth and growth through aliases are limited,
// so that no text can hang or exhaust its reader.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/diagnostics.h"

namespace holdfast {

inline constexpr std::size_t kMaxYamlBytes = 1 << 20;
inline constexpr int kMaxYamlDepth = 64;

struct YamlNode;
using YamlPtr = std::shared_ptr<const YamlNode>;  // aliases share their node

struct YamlPair {
  std::string key;
  Position at;  // of the key
  YamlPtr value;
};

struct YamlNode {
  enum class Kind { null, scalar, sequence, map };
  Kind kind = Kind::null;
  Position at;
  std::string text;             // scalar
  bool quoted = false;          // scalar: written in quotes or as a block, so it is no boolean
  std::vector<YamlPtr> items;   // sequence
  std::vector<YamlPair> pairs;  // map, keys unique
  std::size_t weight = 1;       // nodes of the tree, aliases expanded
  int height = 1;               // levels of the tree, aliases expanded
};

// The text's only document. Null, with errors in `sink`, when the text is no YAML this program
// reads. An empty text is a node of kind null. Duplicate keys are errors, and the first one counts.
YamlPtr parse_yaml(std::string_view text, DiagnosticSink& sink);

}  // namespace holdfast
