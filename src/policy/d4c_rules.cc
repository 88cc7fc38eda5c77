// The rules of Elastic's policy-schema.json (policy version 1.0.0) and of its form editor.
#include "policy/d4c_rules.h"

#include <re2/re2.h>

#include <algorithm>
#include <string>

#include "policy/wording.h"

namespace holdfast {
namespace {

constexpr std::size_t kMaxNameCharacters = 128;
constexpr std::size_t kMaxValueBytes = 511;
constexpr std::size_t kMaxPathBytes = 255;
constexpr std::size_t kMaxOfSection = 64;

constexpr const char* kName = R"((?i)[a-z0-9][a-z0-9_\-]*)";
constexpr const char* kImageName = R"([a-z0-9]+(?:[._-][a-z0-9]+)*)";
constexpr const char* kImageFullName =
    R"((?:\[[a-fA-F0-9:]+\]|(?:[a-zA-Z0-9-](?:\.[a-z0-9]+)*)+)(?::[0-9]+)?)"
    R"((?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)+)";
constexpr const char* kPath = R"((?:/[^/*]+)*(?:/\*|/\*\*)?)";
// What YAML's core schema takes for a number or a boolean when it has no quotes.
constexpr const char* kNoText =
    R"(true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)"
    R"(|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    R"(|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))";
constexpr const char* kLabel = R"(([a-zA-Z0-9.\-]+/)?[a-zA-Z0-9.\-]+:[a-zA-Z0-9.\-_]*\*?)";

bool matches(const char* pattern, const std::string& text) {
  return re2::RE2::FullMatch(text, re2::RE2(pattern, re2::RE2::Quiet));
}

// The spelling that replaced one of the first form; empty: it has no successor.
std::string_view successor(ConditionKind kind) {
  switch (kind) {
    case ConditionKind::cluster_id:
      return "kubernetesClusterId";
    case ConditionKind::cluster_name:
      return "kubernetesClusterName";
    case ConditionKind::namespace_:
      return "kubernetesNamespace";
    case ConditionKind::resource_name:
      return "kubernetesPodName";
    case ConditionKind::labels:
      return "kubernetesPodLabel";
    default:
      return "";
  }
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

class D4cChecker {
 public:
  explicit D4cChecker(DiagnosticSink& sink) : sink_(sink) {}

  void section(const Section& section) {
    if (section.flat && !section.selectors.empty()) {
      sink_.error(section.selectors.front().name.at,
                  "D4C: selectors and responses at the top level are the first form; move them "
                  "below \"file:\"");
    }
    const std::size_t count = section.selectors.size() + section.responses.size();
    if (count > kMaxOfSection) {
      sink_.error(section.selectors.empty() ? Position{} : section.selectors.front().name.at,
                  "D4C: " + std::string(to_string(section.kind)) + " has " + std::to_string(count) +
                      " selectors and responses, and 64 are the most; merge some");
    }
    for (const Selector& selector : section.selectors) this->selector(selector);
    std::size_t number = 0;
    for (const Response& response : section.responses) {
      owner_ = "D4C: response " + std::to_string(++number);
      for (const Text& name : response.match) string("match", name);
      for (const Text& name : response.exclude) string("exclude", name);
    }
  }

  void version(const Text& text) {
    owner_ = "D4C: policy";
    string("version", text);
  }

 private:
  void selector(const Selector& selector) {
    const std::string& name = selector.name.value;
    owner_ = "D4C: selector " + in_quotes(name);
    string("name", selector.name);
    if (characters(name) > kMaxNameCharacters) {
      sink_.error(selector.name.at, owner_ + ": name is longer than 128 characters; shorten it");
    } else if (!name.empty() && !matches(kName, name)) {
      sink_.warning(selector.name.at,
                    owner_ +
                        ": the form editor takes letters, digits, \"-\" and \"_\" only, a letter "
                        "or digit first; rename it");
    }
    for (const Condition& condition : selector.conditions) this->condition(condition, selector);
    volume_flags(selector);
    const Condition* process = selector.find(ConditionKind::process_name);
    if (process != nullptr && selector.find(ConditionKind::process_executable) != nullptr) {
      sink_.warning(process->at, owner_ +
                                     ": the form editor takes processName or processExecutable, "
                                     "not both; keep one of them");
    }
  }

  void condition(const Condition& condition, const Selector& selector) {
    const ConditionSpec& spec = *condition.spec;
    if (spec.name.starts_with("orchestrator")) {
      const std::string_view now = successor(spec.kind);
      sink_.error(condition.at, owner_ + ": " + std::string(spec.name) + " is of the first form; " +
                                    (now.empty() ? "remove it" : "write " + std::string(now)) +
                                    (spec.all_values ? ", of which one label is enough" : ""));
      return;
    }
    if (spec.kind == ConditionKind::operation &&
        (selector.operations & mask_of(Operation::exec_memfd)) != 0) {
      sink_.error(condition.at, owner_ + ": operation \"execMemFd\" was removed; leave it out");
    }
    for (const Text& text : condition.values) value(spec, text);
  }

  // Elastic's schema looks at the keys alone. Two that are true were reported by holdfast's rules.
  void volume_flags(const Selector& selector) {
    const Condition* last = nullptr;
    std::size_t count = 0;
    for (const auto* list : {&selector.conditions, &selector.idle}) {
      for (const Condition& condition : *list) {
        if (condition.spec->kind != ConditionKind::ignore_volume_mounts &&
            condition.spec->kind != ConditionKind::ignore_volume_files) {
          continue;
        }
        last = &condition;
        ++count;
      }
    }
    if (count < 2 || selector.idle.empty()) return;
    sink_.error(last->at, owner_ +
                              ": ignoreVolumeMounts and ignoreVolumeFiles cannot stand side by "
                              "side, not even as false; keep one of them");
  }

  void string(std::string_view what, const Text& text) {
    if (text.quoted || !matches(kNoText, text.value)) return;
    sink_.error(text.at, owner_ + ": " + std::string(what) + " " + text.value +
                             " is no text to YAML; write it in quotes, " + in_quotes(text.value));
  }

  void value(const ConditionSpec& spec, const Text& text) {
    const std::string& value = text.value;
    string(spec.name, text);
    const std::size_t limit = spec.kind == ConditionKind::target_path    ? kMaxPathBytes
                              : spec.kind == ConditionKind::process_name ? 15
                                                                         : kMaxValueBytes;
    if (value.size() > limit) {
      error(spec, text, "is longer than " + std::to_string(limit) + " bytes; shorten it");
    }
    const std::size_t star = value.find('*');
    switch (spec.kind) {
      case ConditionKind::image_name:
        if (!matches(kImageName, value)) {
          error(spec, text,
                "takes lower case letters and digits, separated by \".\", \"_\" or \"-\", and no "
                "wildcard; write the name in full");
        }
        break;
      case ConditionKind::image_full_name:
        if (!matches(kImageFullName, value)) {
          error(spec, text,
                "must be a registry and a name (\"docker.io/library/nginx\") without wildcard; "
                "write it in full");
        }
        break;
      case ConditionKind::target_path:
      case ConditionKind::process_executable:
        if (!matches(kPath, value)) {
          error(spec, text,
                "takes a wildcard as its last component only; write the path in full, or end it "
                "with \"/*\" (direct children) or \"/**\" (everything below)");
        }
        break;
      case ConditionKind::labels:
        if (!matches(kLabel, value)) {
          error(spec, text,
                "must be key:value of letters, digits, \".\", \"-\" and, in the value, \"_\", "
                "with at most one \"*\", at its end");
        }
        break;
      case ConditionKind::resource_name:
        if (star != std::string::npos && star + 1 != value.size()) {
          error(spec, text, "takes a wildcard at its end only; write the rest in full");
        }
        break;
      case ConditionKind::image_tag:
      case ConditionKind::namespace_:
        if (star != std::string::npos) {
          sink_.warning(text.at, message(spec, text,
                                         "has a wildcard, which Elastic does not document for it; "
                                         "write the value in full"));
        }
        break;
      default:
        break;
    }
  }

  std::string message(const ConditionSpec& spec, const Text& text, const std::string& rule) const {
    return owner_ + ": " + std::string(spec.name) + " " + in_quotes(text.value) + " " + rule;
  }
  void error(const ConditionSpec& spec, const Text& text, const std::string& rule) {
    sink_.error(text.at, message(spec, text, rule));
  }

  DiagnosticSink& sink_;
  std::string owner_;
};

}  // namespace

void check_d4c(const PolicyDocument& document, DiagnosticSink& sink) {
  D4cChecker checker(sink);
  if (document.version) checker.version(*document.version);
  for (const Section& section : document.sections) checker.section(section);
}

}  // namespace holdfast
