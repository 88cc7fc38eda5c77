// Typed access to the values of a YAML map, with a diagnostic for every value of the wrong type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/policy_document.h"
#include "policy/yaml_document.h"

namespace holdfast {

// The value of `pair` as a list of strings; `owner` names what the key belongs to ("selector
// \"x\""). Elements of the wrong type are reported and left out. Nullopt, and one error, when it is
// no list or an empty one.
std::optional<std::vector<Text>> string_list(const YamlPair& pair, const std::string& owner,
                                             DiagnosticSink& sink);

// The value as true or false, unquoted.
std::optional<bool> boolean(const YamlPair& pair, const std::string& owner, DiagnosticSink& sink);

// The value as a single string, empty when it is missing ("key:").
std::optional<Text> string_value(const YamlPair& pair, const std::string& owner,
                                 DiagnosticSink& sink);

// Where to point for a problem with the value: at the value, or at the key when there is none.
Position value_position(const YamlPair& pair);

}  // namespace holdfast
