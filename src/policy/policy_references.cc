// The rules of a policy that span selectors and responses.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "policy/policy_parser.h"
#include "policy/value_rules.h"
#include "policy/wording.h"

namespace holdfast {
namespace {

using PositionsByName = std::unordered_map<std::string_view, Position>;

// Responses may name a selector again and again: what they ask about it is found out once.
struct NamedSelector {
  explicit NamedSelector(const Selector& selector)
      : faulty(selector.faulty),
        writes_files((selector.operations & kFileIntegrityMask) != 0),
        has_paths(selector.find(ConditionKind::target_path) != nullptr) {
    if (!has_paths) return;
    const auto& paths = selector.find(ConditionKind::target_path)->values;
    everywhere = std::any_of(paths.begin(), paths.end(),
                             [](const Text& path) { return path.value == "/**"; });
  }

  bool faulty;
  bool writes_files;
  bool has_paths;           // a targetFilePath
  bool everywhere = false;  // and "/**" is one of them
};

class SectionChecker {
 public:
  // `names`: of the selectors of all sections.
  SectionChecker(const PositionsByName& names, const Section& section, DiagnosticSink& sink)
      : names_(names), section_(section), sink_(sink) {
    for (const Selector& selector : section.selectors) {
      if (!selector.name.value.empty()) by_name_.try_emplace(selector.name.value, selector);
    }
  }

  void check() {
    // Without selectors every name would be reported, and the cause was reported already.
    if (section_.selectors.empty()) return;
    std::size_t number = 0;
    for (const Response& response : section_.responses) {
      ++number;
      check_response(response, "response " + std::to_string(number));
    }
  }

 private:
  void check_response(const Response& response, const std::string& owner) {
    std::unordered_set<std::string_view> matched;
    for (const Text& name : response.match) {
      matched.insert(name.value);
      check_name("match", name, owner);
    }
    for (const Text& name : response.exclude) {
      if (matched.contains(name.value)) {
        sink_.error(name.at, owner + ": selector " + in_quotes(name.value) +
                                 " stands in match and in exclude; remove it from one of them");
      } else {
        check_name("exclude", name, owner);
      }
    }
    if (response.block) check_block(response, owner);
  }

  void check_name(std::string_view list, const Text& name, const std::string& owner) {
    if (by_name_.contains(name.value) || !check_text(list, name, owner, sink_)) return;
    std::string text = owner + ": " + std::string(list) + " names selector " +
                       in_quotes(name.value) + ", which the " +
                       std::string(to_string(section_.kind)) + " section does not have";
    if (names_.contains(name.value)) {
      text += "; a response refers to selectors of its own section";
    } else if (sink_.count() < kMaxSuggestions) {
      std::vector<std::string_view> names;
      for (const Selector& selector : section_.selectors) names.push_back(selector.name.value);
      const std::string hint = suggestion(name.value, names);
      text += hint.empty() ? "; add it, or use one of its selectors' names" : hint;
    }
    sink_.error(name.at, text);
  }

  // A response that blocks plain file writes everywhere stops the container's work.
  void check_block(const Response& response, const std::string& owner) {
    // What is broken was reported, and is not held against the response as well.
    const bool narrowed =
        std::any_of(response.exclude.begin(), response.exclude.end(), [&](const Text& name) {
          const auto found = by_name_.find(name.value);
          return found == by_name_.end() || found->second.faulty || found->second.has_paths;
        });
    for (const Text& name : response.match) {
      const auto found = by_name_.find(name.value);
      if (found == by_name_.end() || found->second.faulty) continue;
      if (!found->second.writes_files) continue;
      if (!found->second.has_paths && !narrowed) {
        sink_.error(
            name.at,
            owner +
                ": block on createFile, modifyFile or deleteFile (or on every operation) needs "
                "targetFilePath, and selector " +
                in_quotes(name.value) +
                " has none; add it, name other operations, or exclude a selector that has it");
      } else if (found->second.everywhere) {
        sink_.warning(
            name.at,
            owner + ": block on createFile, modifyFile or deleteFile under \"/**\" (selector " +
                in_quotes(name.value) +
                ") stops every write of a container; name the paths that matter");
      }
    }
  }

  const PositionsByName& names_;
  const Section& section_;
  DiagnosticSink& sink_;
  std::unordered_map<std::string_view, NamedSelector> by_name_;
};

}  // namespace

void check_references(const PolicyDocument& document, DiagnosticSink& sink) {
  PositionsByName seen;  // unique within the file
  for (const Section& section : document.sections) {
    for (const Selector& selector : section.selectors) {
      if (selector.name.value.empty()) continue;
      const auto [first, added] = seen.emplace(selector.name.value, selector.name.at);
      if (added) continue;
      sink.error(selector.name.at, "selector " + in_quotes(selector.name.value) +
                                       ": the name is taken by the selector in line " +
                                       std::to_string(first->second.line) + "; give it another");
    }
  }
  for (const Section& section : document.sections) SectionChecker(seen, section, sink).check();
}

}  // namespace holdfast
