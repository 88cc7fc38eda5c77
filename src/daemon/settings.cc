// Reading the settings file, and telling settings from policies.
#include "daemon/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "container/server_url.h"
#include "policy/wording.h"
#include "policy/yaml_fields.h"

namespace holdfast {
namespace {

using Kind = YamlNode::Kind;

constexpr std::array<std::string_view, 29> kSettingsKeys = {
    "policies",         "run_dir",        "log_dir",          "alerts_file",     "host_root",
    "runtime_binaries", "docker_root",    "oci_state",        "rotate_bytes",    "podman_storage",
    "rotate_keep",      "alert_queue",    "compare_limit",    "answer_deadline", "heartbeat",
    "fail_mode",        "executables",    "volumes",          "exec_watch",      "cri_sockets",
    "docker_sockets",   "podman_sockets", "identity_timeout", "unknown",         "unmanaged",
    "cluster_id",       "cluster_name",   "node_name",        "kubernetes"};
constexpr std::string_view kSettingsName = "holdfast.yml";
constexpr std::array<std::string_view, 5> kPolicyKeys = {"version", "selectors", "responses",
                                                         "file", "process"};

template <typename List>
bool contains(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

template <typename List>
std::vector<std::string_view> words(const List& list) {
  return {list.begin(), list.end()};
}

class SettingsReader {
 public:
  SettingsReader(Settings& settings, DiagnosticSink& sink) : settings_(settings), sink_(sink) {}

  void read(const YamlPair& pair) {
    const std::string& key = pair.key;
    if (key == "policies") {
      paths(pair, settings_.policies);
    } else if (key == "runtime_binaries") {
      paths(pair, settings_.runtime_binaries);
    } else if (key == "podman_storage") {
      paths(pair, settings_.podman_storage);
    } else if (key == "docker_root") {
      paths(pair, settings_.docker_root);
    } else if (key == "oci_state") {
      paths(pair, settings_.oci_state);
    } else if (key == "cri_sockets") {
      paths(pair, settings_.cri_sockets);
    } else if (key == "docker_sockets") {
      paths(pair, settings_.docker_sockets);
    } else if (key == "podman_sockets") {
      paths(pair, settings_.podman_sockets);
    } else if (key == "identity_timeout") {
      number(pair, 0, 60'000, settings_.identity_timeout);
    } else if (key == "unknown") {
      one_of(pair,
             {{"strictest", UnknownRule::strictest},
              {"block", UnknownRule::block},
              {"alert", UnknownRule::alert},
              {"allow", UnknownRule::allow}},
             settings_.identity_rules.unknown);
    } else if (key == "unmanaged") {
      one_of(pair,
             {{"ignore", UnmanagedRule::ignore},
              {"alert", UnmanagedRule::alert},
              {"as-policy", UnmanagedRule::as_policy}},
             settings_.identity_rules.unmanaged);
    } else if (key == "cluster_id") {
      text(pair, settings_.cluster_id);
    } else if (key == "cluster_name") {
      text(pair, settings_.cluster_name);
    } else if (key == "node_name") {
      text(pair, settings_.node_name);
    } else if (key == "kubernetes") {
      kubernetes(pair);
    } else if (key == "run_dir") {
      path(pair, settings_.run_dir);
    } else if (key == "log_dir") {
      path(pair, settings_.log_dir);
    } else if (key == "alerts_file") {
      path(pair, settings_.alerts_file);
    } else if (key == "host_root") {
      host_root(pair);
    } else if (key == "rotate_bytes") {
      number(pair, 64ULL << 10, 1ULL << 40, settings_.rotate_bytes);
    } else if (key == "rotate_keep") {
      number(pair, 0, 1000, settings_.rotate_keep);
    } else if (key == "alert_queue") {
      number(pair, 1, 1ULL << 20, settings_.alert_queue);
    } else if (key == "compare_limit") {
      number(pair, 0, 1ULL << 40, settings_.compare_limit);
    } else if (key == "answer_deadline") {
      number(pair, 100, 60'000, settings_.answer_deadline);
    } else if (key == "heartbeat") {
      number(pair, 100, 60'000, settings_.heartbeat);
    } else if (key == "fail_mode") {
      choice(pair, "fail_mode", "allow", "deny", settings_.fail_allow);
    } else if (key == "exec_watch") {
      choice(pair, "exec_watch", "auto", "off", settings_.exec_watch);
    } else if (key == "executables") {
      choice(pair, "executables", "elf", "mode", settings_.executables_elf);
    } else if (key == "volumes") {
      volumes(pair);
    } else {
      std::string hint =
          sink_.count() < kMaxSuggestions ? suggestion(key, words(kSettingsKeys)) : "";
      if (hint.empty()) hint = "; remove it, or see docs/configuration.md for the keys that exist";
      sink_.error(pair.at, "unknown key " + in_quotes(key) + hint);
    }
  }

 private:
  bool absolute(std::string_view key, const Text& text) {
    if (!text.value.empty() && text.value.front() == '/') return true;
    sink_.error(text.at, std::string(key) + ": " + in_quotes(text.value) +
                             " is not an absolute path; begin it with \"/\"");
    return false;
  }

  void text(const YamlPair& pair, std::string& setting) {
    if (const auto text = string_value(pair, "", sink_)) setting = text->value;
  }

  void path(const YamlPair& pair, std::string& setting) {
    const auto text = string_value(pair, "", sink_);
    if (text && absolute(pair.key, *text)) setting = text->value;
  }

  void paths(const YamlPair& pair, std::vector<std::string>& setting) {
    const auto list = string_list(pair, "", sink_);
    if (!list) return;
    setting.clear();
    for (const Text& text : *list) {
      if (absolute(pair.key, text)) setting.push_back(text.value);
    }
  }

  void host_root(const YamlPair& pair) {
    const auto text = string_value(pair, "", sink_);
    if (!text) return;
    if (text->value == "auto" || text->value == "/" || text->value == "/proc/1/root") {
      settings_.host_root = text->value;
    } else {
      sink_.error(text->at, "host_root: " + in_quotes(text->value) +
                                " is unknown; use auto, / or /proc/1/root");
    }
  }

  void choice(const YamlPair& pair, const std::string& name, std::string_view if_true,
              std::string_view if_false, bool& setting) {
    const auto text = string_value(pair, "", sink_);
    if (!text) return;
    if (text->value == if_true || text->value == if_false) {
      setting = text->value == if_true;
    } else {
      sink_.error(text->at, name + ": " + in_quotes(text->value) + " is unknown; use " +
                                std::string(if_true) + " or " + std::string(if_false));
    }
  }

  template <typename Value>
  void one_of(const YamlPair& pair,
              std::initializer_list<std::pair<std::string_view, Value>> choices, Value& setting) {
    const auto text = string_value(pair, "", sink_);
    if (!text) return;
    std::string names;
    for (const auto& [name, value] : choices) {
      if (text->value == name) {
        setting = value;
        return;
      }
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    sink_.error(text->at,
                pair.key + ": " + in_quotes(text->value) + " is unknown; use one of " + names);
  }

  void volumes(const YamlPair& pair) {
    if (pair.value->kind != Kind::map) {
      sink_.error(value_position(pair), "volumes must be a map; write \"volumes: {trust: none}\"");
      return;
    }
    for (const YamlPair& inner : pair.value->pairs) {
      if (inner.key == "trust") {
        choice(inner, "volumes.trust", "unchanged", "none", settings_.volumes_trusted);
      } else {
        sink_.error(inner.at, "unknown key " + in_quotes("volumes." + inner.key) + "; use trust");
      }
    }
  }

  void server(const YamlPair& pair, std::string& setting) {
    const auto text = string_value(pair, "", sink_);
    if (!text) return;
    const bool api = pair.key == "api";
    if (!api || text->value != "auto") {
      const Result<ServerUrl> url = parse_server_url(text->value);
      if (!url) {
        sink_.error(text->at, "kubernetes." + pair.key + ": " + in_quotes(text->value) + ": " +
                                  url.error().message());
        return;
      }
      if (api && !url->tls) {
        sink_.error(text->at, "kubernetes.api must begin with https://");
        return;
      }
    }
    setting = text->value;
  }

  void kubernetes(const YamlPair& pair) {
    KubernetesSettings& kubernetes = settings_.kubernetes;
    if (pair.value->kind != Kind::map) {
      sink_.error(value_position(pair), "kubernetes must be a map; see docs/configuration.md");
      return;
    }
    for (const YamlPair& inner : pair.value->pairs) {
      if (inner.key == "kubelet") {
        server(inner, kubernetes.kubelet);
      } else if (inner.key == "kubelet_ca") {
        path(inner, kubernetes.kubelet_ca);
      } else if (inner.key == "api") {
        server(inner, kubernetes.api);
      } else if (inner.key == "api_ca") {
        path(inner, kubernetes.api_ca);
      } else if (inner.key == "token_file") {
        path(inner, kubernetes.token_file);
      } else {
        sink_.error(inner.at, "unknown key " + in_quotes("kubernetes." + inner.key) +
                                  "; use kubelet, kubelet_ca, api, api_ca or token_file");
      }
    }
    if (kubernetes.kubelet.starts_with("https://") && kubernetes.kubelet_ca.empty()) {
      sink_.error(pair.at,
                  "kubernetes.kubelet_ca is missing: the file with the kubelet's certificate, or "
                  "its signer's; without it anybody could answer");
    }
  }

  template <typename Number>
  void number(const YamlPair& pair, std::uint64_t least, std::uint64_t most, Number& setting) {
    const YamlNode& node = *pair.value;
    std::uint64_t value = 0;
    const char* const end = node.text.data() + node.text.size();
    const auto parsed = std::from_chars(node.text.data(), end, value);
    if (node.kind != Kind::scalar || node.quoted || parsed.ptr != end || parsed.ec != std::errc() ||
        value < least || value > most) {
      sink_.error(value_position(pair),
                  pair.key + " must be a whole number from " + std::to_string(least) + " to " +
                      std::to_string(most) +
                      (node.kind == Kind::scalar ? ", not " + in_quotes(node.text) : ""));
      return;
    }
    setting = static_cast<Number>(value);
  }

  Settings& settings_;
  DiagnosticSink& sink_;
};

}  // namespace

void Settings::use_state_dir(const std::string& dir) {
  run_dir = dir;
  log_dir = dir;
  alerts_file.clear();  // back to LOG_DIR/alerts.ndjson
}

ParsedSettings parse_settings(const std::string& file, std::string_view text) {
  ParsedSettings result;
  DiagnosticSink sink(file);
  if (const YamlPtr root = parse_yaml(text, sink)) {
    if (root->kind == Kind::map) {
      SettingsReader reader(result.settings, sink);
      for (const YamlPair& pair : root->pairs) reader.read(pair);
    } else if (root->kind != Kind::null) {
      sink.error(root->at, "settings are a map of keys and values; write \"key: value\" lines");
    }
  }
  result.diagnostics = sink.take();
  return result;
}

bool looks_like_policy(const std::string& file, std::string_view text) {
  DiagnosticSink unused("");
  const YamlPtr root = parse_yaml(text, unused);
  // Settings may say nothing; a policy that does is refused by the daemon, and so it is here.
  if (root && root->kind != Kind::map) {
    return file.substr(file.rfind('/') + 1) != kSettingsName;
  }
  if (!root) return false;
  const auto any_key = [&](auto holds) {
    return std::any_of(root->pairs.begin(), root->pairs.end(),
                       [&](const YamlPair& pair) { return holds(pair.key); });
  };
  if (any_key([](const std::string& key) { return contains(kPolicyKeys, key); })) return true;
  if (any_key([](const std::string& key) { return contains(kSettingsKeys, key); })) return false;
  // A misspelt key: the file is what it is nearest to.
  const auto end = root->pairs.begin() +
                   static_cast<std::ptrdiff_t>(std::min(root->pairs.size(), kMaxSuggestions));
  return std::any_of(root->pairs.begin(), end, [](const YamlPair& pair) {
    return !suggestion(pair.key, words(kPolicyKeys)).empty();
  });
}

}  // namespace holdfast
