// The shape of a policy: its keys and the types of their values.
#include "policy/policy_parser.h"

#include <algorithm>
#include <array>
#include <optional>

#include "policy/value_rules.h"
#include "policy/wording.h"
#include "policy/yaml_document.h"
#include "policy/yaml_fields.h"

namespace holdfast {
namespace {

using Kind = YamlNode::Kind;

// What a valid operation list that named nothing known leaves: no operation is not every operation.
constexpr OperationMask kNoOperation = 0;

class PolicyParser {
 public:
  explicit PolicyParser(DiagnosticSink& sink) : sink_(sink) {}

  PolicyDocument parse(const YamlNode& root) {
    PolicyDocument document;
    if (root.kind == Kind::null) {
      sink_.error(root.at, "empty policy; write a \"file:\" section with selectors and responses");
      return document;
    }
    if (root.kind != Kind::map) {
      sink_.error(root.at,
                  "a policy is a map with the keys file or process (or selectors and responses)");
      return document;
    }
    const YamlPair* flat = nullptr;
    const YamlPair* sectioned = nullptr;
    for (const YamlPair& pair : root.pairs) {
      if (pair.key == "version") {
        document.version = version(pair);
      } else if (pair.key == "selectors" || pair.key == "responses") {
        if (flat == nullptr) flat = &pair;
      } else if (pair.key == "file" || pair.key == "process") {
        if (sectioned == nullptr) sectioned = &pair;
      } else {
        unknown_key("policy", pair, {"file", "process", "selectors", "responses", "version"});
      }
    }
    if (flat != nullptr && sectioned != nullptr) {
      sink_.error(flat->at, in_quotes(flat->key) + " at the top level beside " +
                                in_quotes(sectioned->key) +
                                ": a policy has one form; move it below \"file:\"");
    }
    if (flat == nullptr && sectioned == nullptr) {
      sink_.error(root.at,
                  "policy has neither a file nor a process section; add \"file:\" with selectors "
                  "and responses");
    }
    for (const YamlPair& pair : root.pairs) {
      if (pair.key == "file" || pair.key == "process") {
        const auto kind = pair.key == "file" ? SectionKind::file : SectionKind::process;
        if (pair.value->kind == Kind::map) {
          document.sections.push_back(section(*pair.value, pair.at, kind, false));
        } else {
          sink_.error(value_position(pair),
                      pair.key + " must be a map with the keys selectors and responses");
        }
      }
    }
    if (flat != nullptr)
      document.sections.push_back(section(root, flat->at, SectionKind::file, true));
    return document;
  }

 private:
  std::optional<Text> version(const YamlPair& pair) {
    auto text = string_value(pair, "", sink_);
    if (text && text->value.empty())
      sink_.error(pair.at, "version is empty; give it a value or remove it");
    return text;
  }

  Section section(const YamlNode& node, Position at, SectionKind kind, bool flat) {
    Section result{kind, flat, {}, {}};
    const std::string owner = flat ? "policy" : std::string(to_string(kind));
    const YamlPair* selectors = nullptr;
    const YamlPair* responses = nullptr;
    for (const YamlPair& pair : node.pairs) {
      if (pair.key == "selectors") {
        selectors = &pair;
      } else if (pair.key == "responses") {
        responses = &pair;
      } else if (!flat) {
        unknown_key(owner, pair, {"selectors", "responses"});
      }
    }
    if (selectors == nullptr) {
      sink_.error(at, owner + " has no selectors; add \"selectors:\", which say what to look for");
    } else {
      each_map(*selectors, owner, [&](const YamlNode& item, std::size_t number) {
        result.selectors.push_back(selector(item, number, kind, flat));
      });
    }
    if (responses == nullptr) {
      sink_.error(at, owner + " has no responses; add \"responses:\", which say what to do");
    } else {
      each_map(*responses, owner, [&](const YamlNode& item, std::size_t number) {
        result.responses.push_back(response(item, number));
      });
    }
    return result;
  }

  template <typename Visit>
  void each_map(const YamlPair& list, const std::string& owner, Visit visit) {
    if (list.value->kind != Kind::sequence) {
      sink_.error(value_position(list),
                  owner + ": " + list.key + " must be a list; begin each element with \"- \"");
      return;
    }
    if (list.value->items.empty()) {
      sink_.error(list.value->at, owner + ": " + list.key + " is empty; add an element");
      return;
    }
    std::size_t number = 0;
    for (const YamlPtr& item : list.value->items) {
      ++number;
      if (item->kind == Kind::map) {
        visit(*item, number);
      } else {
        sink_.error(item->at, owner + ": element " + std::to_string(number) + " of " + list.key +
                                  " must be a map of keys and values");
      }
    }
  }

  Selector selector(const YamlNode& node, std::size_t number, SectionKind kind, bool flat) {
    Selector result;
    result.operations = operations_of(kind, flat);
    const std::size_t errors = sink_.errors();
    std::string owner = "selector " + std::to_string(number);
    bool named = false;
    for (const YamlPair& pair : node.pairs) {
      if (pair.key != "name") continue;
      named = true;
      if (const auto name = string_value(pair, owner, sink_);
          name && check_text("name", *name, owner, sink_)) {
        result.name = *name;
        owner = "selector " + in_quotes(name->value);
        warn_of_invisible("name", *name, owner, sink_);
      }
    }
    if (!named) sink_.error(node.at, owner + " has no name; add \"name:\"");

    bool conditioned = false;  // a condition stands there, right or wrong
    for (const YamlPair& pair : node.pairs) {
      if (pair.key == "name") continue;
      const ConditionSpec* spec = find_condition(pair.key);
      if (spec == nullptr) {
        unknown_key(owner, pair, selector_keys(kind));
        conditioned = true;
      } else if (!(kind == SectionKind::file ? spec->in_file : spec->in_process)) {
        sink_.error(pair.at, owner + ": " + pair.key + " is no condition of " +
                                 std::string(to_string(kind)) + " selectors; " + move_remedy(kind));
        conditioned = true;
      } else if (condition(pair, *spec, owner, result)) {
        conditioned = true;
      }
    }
    if (!conditioned) {
      sink_.error(
          node.at,
          owner +
              " has no condition beside its name; add one, such as operation or targetFilePath");
    }
    check_exclusive(result, owner);
    result.faulty = sink_.errors() > errors;
    return result;
  }

  // True unless the condition is one that says nothing (a flag that is false).
  bool condition(const YamlPair& pair, const ConditionSpec& spec, const std::string& owner,
                 Selector& selector) {
    Condition result{&spec, pair.at, {}, false};
    if (spec.is_flag) {
      const auto flag = boolean(pair, owner, sink_);
      if (!flag) return true;
      // Of the flags only sessionLeaderInteractive asks something by false.
      if (!*flag && spec.kind != ConditionKind::interactive) {
        selector.idle.push_back(std::move(result));
        return false;
      }
      result.flag = *flag;
    } else {
      const auto values = string_list(pair, owner, sink_);
      if (!values) return true;
      if (spec.kind == ConditionKind::operation) {
        selector.operations = operations(*values, selector.operations, owner);
      } else {
        for (const Text& value : *values) {
          if (check_value(spec, value, owner, sink_)) result.values.push_back(value);
        }
      }
    }
    selector.conditions.push_back(std::move(result));
    return true;
  }

  OperationMask operations(const std::vector<Text>& values, OperationMask allowed,
                           const std::string& owner) {
    OperationMask mask = kNoOperation;
    for (const Text& value : values) {
      if (!check_text("operation", value, owner, sink_)) continue;
      const auto operation = parse_operation(value.value);
      if (operation && (mask_of(*operation) & allowed) != 0) {
        mask |= mask_of(*operation);
        continue;
      }
      const auto names = names_of(allowed);
      std::string text = owner + ": operation " + in_quotes(value.value);
      if (!operation) {
        text += " is unknown; use " + one_of(names) + suggest(value.value, names);
      } else if (section_of(*operation) == SectionKind::file &&
                 (allowed & mask_of(Operation::exec_memfd)) != 0) {
        text += " is not part of the flat form; move selectors and responses below \"file:\"";
      } else {
        text += " belongs into the " + std::string(to_string(section_of(*operation))) +
                " section; use " + one_of(names);
      }
      sink_.error(value.at, text);
    }
    return mask;
  }

  void check_exclusive(const Selector& selector, const std::string& owner) {
    std::array<const Condition*, kConditionCount> seen{};
    for (const Condition& condition : selector.conditions) {
      const Condition*& first = seen[static_cast<std::size_t>(condition.spec->kind)];
      if (first != nullptr) {
        sink_.error(condition.at, owner + ": " + std::string(condition.spec->name) + " and " +
                                      std::string(first->spec->name) +
                                      " are one condition; use one spelling");
      }
      first = &condition;
    }
    const auto not_both = [&](ConditionKind a, ConditionKind b) {
      const Condition* first = seen[static_cast<std::size_t>(a)];
      const Condition* second = seen[static_cast<std::size_t>(b)];
      if (first == nullptr || second == nullptr) return;
      const bool swapped =
          first->at.line > second->at.line ||
          (first->at.line == second->at.line && first->at.column > second->at.column);
      if (swapped) std::swap(first, second);
      sink_.error(second->at, owner + ": " + std::string(second->spec->name) +
                                  " cannot stand beside " + std::string(first->spec->name) +
                                  "; keep one of them");
    };
    not_both(ConditionKind::image_name, ConditionKind::image_full_name);
    not_both(ConditionKind::ignore_volume_mounts, ConditionKind::ignore_volume_files);
  }

  Response response(const YamlNode& node, std::size_t number) {
    Response result;
    result.at = node.at;
    const std::string owner = "response " + std::to_string(number);
    bool match = false;
    bool acts = false;
    for (const YamlPair& pair : node.pairs) {
      if (pair.key == "match") {
        match = true;
        result.match = string_list(pair, owner, sink_).value_or(std::vector<Text>());
      } else if (pair.key == "exclude") {
        result.exclude = string_list(pair, owner, sink_).value_or(std::vector<Text>());
      } else if (pair.key == "actions") {
        acts = true;
        if (const auto values = string_list(pair, owner, sink_)) actions(*values, owner, result);
      } else {
        unknown_key(owner, pair, {"match", "exclude", "actions"});
      }
    }
    if (!match)
      sink_.error(node.at, owner + " has no match; add \"match:\" with the names of selectors");
    if (!acts)
      sink_.error(node.at, owner + " has no actions; add \"actions:\" with alert, block or log");
    return result;
  }

  void actions(const std::vector<Text>& values, const std::string& owner, Response& response) {
    for (const Text& value : values) {
      if (value.value == "alert") {
        response.alert = true;
      } else if (value.value == "block") {
        response.block = true;
        response.block_at = value.at;
      } else if (value.value == "log") {
        response.log = true;
      } else if (check_text("actions", value, owner, sink_)) {
        sink_.error(value.at, owner + ": action " + in_quotes(value.value) +
                                  " is unknown; use alert, block or log" +
                                  suggest(value.value, {"alert", "block", "log"}));
      }
    }
    if (response.block && !response.alert) {
      sink_.error(response.block_at,
                  owner + ": block needs alert beside it; write actions: [alert, block]");
    }
  }

  static std::string move_remedy(SectionKind kind) {
    return std::string("move the selector to the ") +
           (kind == SectionKind::file ? "process" : "file") + " section, or remove the condition";
  }

  static std::vector<std::string_view> selector_keys(SectionKind kind) {
    std::vector<std::string_view> keys = {"name"};
    for (const ConditionSpec& spec : condition_specs()) {
      if (kind == SectionKind::file ? spec.in_file : spec.in_process) keys.push_back(spec.name);
    }
    return keys;
  }

  void unknown_key(const std::string& owner, const YamlPair& pair,
                   const std::vector<std::string_view>& known) {
    std::string hint = suggest(pair.key, known);
    if (hint.empty()) hint = "; remove it, or see docs/policy.md for the keys that exist";
    sink_.error(pair.at, owner + ": unknown key " + in_quotes(pair.key) + hint);
  }

  std::string suggest(std::string_view word, const std::vector<std::string_view>& known) const {
    return sink_.count() < kMaxSuggestions ? suggestion(word, known) : "";
  }

  DiagnosticSink& sink_;
};

}  // namespace

PolicyDocument parse_policy(std::string_view yaml, DiagnosticSink& sink) {
  const YamlPtr root = parse_yaml(yaml, sink);
  return root ? PolicyParser(sink).parse(*root) : PolicyDocument{};
}

}  // namespace holdfast
