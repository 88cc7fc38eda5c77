#include "daemon/startup.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernel/procfs.h"

namespace holdfast {
namespace {

constexpr const char* kInForce = "/policies-in-force.json";

// The first error, for the one line that is promised; `check` shows them all.
std::optional<StartupFailure> first_error(const std::vector<Diagnostic>& diagnostics,
                                          int exit_status) {
  std::size_t errors = 0;
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity == Diagnostic::Severity::warning) continue;
    if (errors++ == 0) text = diagnostic.to_string();
  }
  if (errors == 0) return std::nullopt;
  if (errors > 1) text += " (and " + std::to_string(errors - 1) + " more: see `holdfast check`)";
  return StartupFailure{exit_status, text};
}

}  // namespace

Startup<Settings> load_settings(const RunOptions& options) {
  Settings settings;
  const std::string file = options.config.value_or(kDefaultConfig);
  if (options.config || access(file.c_str(), F_OK) == 0) {
    const Result<std::string> text = read_small_file(file);
    if (!text) return StartupFailure{2, text.error().message()};
    ParsedSettings parsed = parse_settings(file, *text);
    if (std::optional<StartupFailure> failure = first_error(parsed.diagnostics, 2)) return *failure;
    settings = std::move(parsed.settings);
  }
  if (options.state_dir) settings.use_state_dir(*options.state_dir);
  if (!options.policies.empty()) settings.policies = options.policies;
  if (options.alerts) settings.alerts_file = *options.alerts;
  return settings;
}

Startup<LoadedPolicies> load_policies(const Settings& settings) {
  Result<std::vector<PolicyText>> texts = read_policies(settings.policies);
  if (!texts) return StartupFailure{1, texts.error().message()};
  if (texts->empty()) {
    return StartupFailure{1, "no policy in " + settings.policies.front() +
                                 ": put a *.yml file there or name one with --policy"};
  }
  const CompiledPolicies compiled = compile_policies(*texts);
  if (std::optional<StartupFailure> failure = first_error(compiled.diagnostics, 1)) return *failure;
  for (const Diagnostic& diagnostic : compiled.diagnostics)
    spdlog::warn("{}", diagnostic.to_string());
  return LoadedPolicies{compiled.set, std::move(*texts)};
}

Status save_policies_in_force(const Settings& settings, const std::vector<PolicyText>& texts) {
  nlohmann::json list = nlohmann::json::array();
  for (const PolicyText& text : texts) list.push_back({{"file", text.file}, {"text", text.text}});
  const std::string path = settings.run_dir + kInForce;
  const std::string fresh = path + ".new";
  std::ofstream file(fresh);
  file << list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::flush;
  // What is cut off must not take the place of what is whole.
  if (!file) return errno_error("write " + fresh, "is there space?");
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return errno_error("write " + path);
  return {};
}

Result<LoadedPolicies> load_policies_in_force(const Settings& settings) {
  const std::string path = settings.run_dir + kInForce;
  const Result<std::string> text = read_small_file(path, 64U << 20);
  if (!text) return text.error();
  const nlohmann::json list = nlohmann::json::parse(*text, nullptr, false);
  LoadedPolicies loaded;
  if (list.is_array()) {
    for (const auto& entry : list) {
      loaded.texts.push_back({entry.value("file", ""), entry.value("text", "")});
    }
  }
  loaded.set = compile_policies(loaded.texts).set;
  if (loaded.texts.empty() || !loaded.set) return Error{EINVAL, "read " + path, ""};
  return loaded;
}

Status make_directories(const Settings& settings) {
  for (const std::string& directory : {settings.run_dir, settings.log_dir}) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error)
      return Error{error.value(), "make directory " + directory, "create it, or set another"};
  }
  return {};
}

AlertLogSettings alert_log_settings(const Settings& settings) {
  AlertLogSettings log;
  log.alerts_path =
      settings.alerts_file.empty() ? settings.log_dir + "/alerts.ndjson" : settings.alerts_file;
  log.file_path = settings.log_dir + "/file.ndjson";
  log.process_path = settings.log_dir + "/process.ndjson";
  log.queue_limit = settings.alert_queue;
  log.rotate_bytes = settings.rotate_bytes;
  log.rotate_keep = settings.rotate_keep;
  return log;
}

}  // namespace holdfast
