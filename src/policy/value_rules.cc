// The rules for values. A value that can match nothing is an error where that is certain, and a
// warning where only the author can know: a policy that silently protects nothing is the worst
// kind.
#include "policy/value_rules.h"

#include <cctype>
#include <string_view>

#include "policy/wording.h"

namespace holdfast {
namespace {

// TASK_COMM_LEN of the kernel is 16, the final NUL included.
constexpr std::size_t kLongestProcessName = 15;

class Checker {
 public:
  Checker(const ConditionSpec& spec, const Text& value, const std::string& owner,
          DiagnosticSink& sink)
      : spec_(spec), text_(value.value), at_(value.at), owner_(owner), sink_(sink) {}

  bool check() {
    switch (spec_.kind) {
      case ConditionKind::image_name:
        return image_name();
      case ConditionKind::image_full_name:
        return image_full_name();
      case ConditionKind::cluster_id:
      case ConditionKind::cluster_name:
        return no_wildcard();
      case ConditionKind::orchestrator_type:
        return orchestrator_type();
      case ConditionKind::labels:
        return label();
      case ConditionKind::process_name:
        return process_name();
      case ConditionKind::process_executable:
      case ConditionKind::target_path:
        return path();
      default:
        return true;
    }
  }

 private:
  bool image_name() {
    if (text_.find('/') != std::string_view::npos) {
      return error("is compared with the last component of the image's name alone; write " +
                   in_quotes(text_.substr(text_.rfind('/') + 1)) +
                   ", or use containerImageFullName");
    }
    return no_tag(text_);
  }

  bool image_full_name() {
    const std::size_t slash = text_.rfind('/');
    return no_tag(slash == std::string_view::npos ? text_ : text_.substr(slash));
  }

  // A colon before the last slash is a registry's port.
  bool no_tag(std::string_view last) {
    if (last.find_first_of(":@") == std::string_view::npos) return true;
    return error("must not have a tag or digest; put the tag into containerImageTag");
  }

  bool no_wildcard() {
    if (text_.find('*') == std::string_view::npos) return true;
    return error("takes no wildcard; write the value in full");
  }

  bool orchestrator_type() {
    if (text_ == "kubernetes") return true;
    return error("can only be kubernetes");
  }

  bool label() {
    const std::size_t colon = text_.find(':');
    if (colon == std::string_view::npos) {
      return error("is not of the form key:value; write " + in_quotes(std::string(text_) + ":*") +
                   " if the key alone matters");
    }
    if (colon == 0) return error("has no key before the colon; write key:value");
    if (text_.substr(0, colon).find('*') != std::string_view::npos) {
      return error("has a wildcard in its key; only the value may have one");
    }
    return true;
  }

  bool process_name() {
    if (!no_wildcard()) return false;
    if (text_.find('/') != std::string_view::npos) {
      return error("must not have a slash; use processExecutable for paths");
    }
    if (text_.size() > kLongestProcessName) {
      warning("matches nothing: the kernel keeps 15 bytes of a process's name; write " +
              in_quotes(text_.substr(0, kLongestProcessName)));
    }
    return true;
  }

  bool path() {
    if (text_.front() != '/') return error("is not an absolute path; begin it with \"/\"");
    const std::string_view last = text_.substr(text_.rfind('/') + 1);
    const std::string whole(text_);
    if (last.empty()) {
      warning("matches nothing: no file's path ends in \"/\"; did you mean " +
              in_quotes(whole + "*") + " (direct children) or " + in_quotes(whole + "**") +
              " (everything below)?");
    } else if (has_unresolved_component()) {
      warning(
          "matches nothing: paths are compared without empty, \".\" and \"..\" components; "
          "write the resolved path");
    } else if (last.size() > 1 && text_.find('*') == text_.size() - 1 &&
               std::isalnum(static_cast<unsigned char>(last[last.size() - 2])) != 0) {
      const std::string stem = whole.substr(0, whole.size() - 1);
      warning("matches nothing inside " + stem + ", only names that begin like it; did you mean " +
              in_quotes(stem + "/*") + "?");
    }
    return true;
  }

  bool has_unresolved_component() const {
    for (std::size_t start = 1; start <= text_.size();) {
      const std::size_t end = std::min(text_.find('/', start), text_.size());
      const std::string_view component = text_.substr(start, end - start);
      if (component.empty() || component == "." || component == "..") return true;
      start = end + 1;
    }
    return false;
  }

  std::string message(const std::string& rule) const {
    return owner_ + ": " + std::string(spec_.name) + " " + in_quotes(text_) + " " + rule;
  }
  bool error(const std::string& rule) {
    sink_.error(at_, message(rule));
    return false;
  }
  void warning(const std::string& rule) { sink_.warning(at_, message(rule)); }

  const ConditionSpec& spec_;
  std::string_view text_;
  Position at_;
  const std::string& owner_;
  DiagnosticSink& sink_;
};

}  // namespace

bool check_text(std::string_view what, const Text& text, const std::string& owner,
                DiagnosticSink& sink) {
  if (text.value.empty()) {
    sink.error(text.at,
               owner + ": " + std::string(what) + " has an empty value; fill it in or remove it");
    return false;
  }
  if (has_typographic_quotes(text.value)) {
    sink.error(text.at,
               owner + ": " + std::string(what) + " " + in_quotes(text.value) +
                   " has typographic quotes, which would be part of the value; use \" or '");
    return false;
  }
  return true;
}

void warn_of_invisible(std::string_view what, const Text& text, const std::string& owner,
                       DiagnosticSink& sink) {
  const std::string character = invisible_character(text.value);
  if (character.empty()) return;
  sink.warning(text.at, owner + ": " + std::string(what) + " " + in_quotes(text.value) + " has " +
                            character +
                            ", which is seen by nobody and compared like any other "
                            "character; remove it unless it is meant");
}

bool check_value(const ConditionSpec& spec, const Text& value, const std::string& owner,
                 DiagnosticSink& sink) {
  if (!check_text(spec.name, value, owner, sink)) return false;
  warn_of_invisible(spec.name, value, owner, sink);
  return Checker(spec, value, owner, sink).check();
}

}  // namespace holdfast
