// Reading typed values out of a YAML tree.
#include "policy/yaml_fields.h"

#include "policy/wording.h"

namespace holdfast {
namespace {

using Kind = YamlNode::Kind;

std::string prefix(const YamlPair& pair, const std::string& owner) {
  return (owner.empty() ? "" : owner + ": ") + pair.key;
}

}  // namespace

Position value_position(const YamlPair& pair) {
  return pair.value->kind == Kind::null ? pair.at : pair.value->at;
}

std::optional<std::vector<Text>> string_list(const YamlPair& pair, const std::string& owner,
                                             DiagnosticSink& sink) {
  const YamlNode& node = *pair.value;
  if (node.kind == Kind::scalar) {
    sink.error(node.at,
               prefix(pair, owner) + " must be a list; write [" + in_quotes(node.text) + "]");
    return std::nullopt;
  }
  if (node.kind == Kind::map) {
    sink.error(node.at,
               prefix(pair, owner) +
                   " must be a list of strings, and is a map; begin each line with \"- \"");
    return std::nullopt;
  }
  if (node.items.empty()) {
    sink.error(value_position(pair),
               prefix(pair, owner) + " is empty; give it a value or remove it");
    return std::nullopt;
  }
  std::vector<Text> values;
  values.reserve(node.items.size());
  for (const YamlPtr& item : node.items) {
    if (item->kind == Kind::scalar) {
      values.push_back({item->text, item->at, item->quoted});
    } else if (item->kind == Kind::null) {
      sink.error(item->at, prefix(pair, owner) + " has an empty value; fill it in or remove it" +
                               " (the words null and ~ need quotes)");
    } else if (item->kind == Kind::map && item->pairs.size() == 1) {
      const YamlPair& inner = item->pairs.front();
      const std::string& value = inner.value->text;
      sink.error(item->at,
                 prefix(pair, owner) +
                     " must hold strings, and a colon followed by a space makes a map; write " +
                     in_quotes(inner.key + ":" + value));
    } else {
      sink.error(item->at,
                 prefix(pair, owner) +
                     " must hold strings, not lists or maps; write one string for each value");
    }
  }
  return values;
}

std::optional<bool> boolean(const YamlPair& pair, const std::string& owner, DiagnosticSink& sink) {
  const YamlNode& node = *pair.value;
  if (node.kind == Kind::scalar && !node.quoted) {
    if (node.text == "true" || node.text == "True" || node.text == "TRUE") return true;
    if (node.text == "false" || node.text == "False" || node.text == "FALSE") return false;
  }
  sink.error(value_position(pair),
             prefix(pair, owner) + " must be true or false, without quotes" +
                 (node.kind == Kind::scalar ? ", not " + in_quotes(node.text) : ""));
  return std::nullopt;
}

std::optional<Text> string_value(const YamlPair& pair, const std::string& owner,
                                 DiagnosticSink& sink) {
  const YamlNode& node = *pair.value;
  if (node.kind == Kind::scalar || node.kind == Kind::null)
    return Text{node.text, value_position(pair), node.quoted};
  sink.error(node.at, prefix(pair, owner) + " must be a single string, not a list or map");
  return std::nullopt;
}

}  // namespace holdfast
