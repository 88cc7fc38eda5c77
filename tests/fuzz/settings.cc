// The settings file, and what tells it from a policy.
#include "daemon/settings.h"

#include "fuzz.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  looks_like_policy("s.yml", text);
  const ParsedSettings parsed = parse_settings("f", text);
  for (const Diagnostic& diagnostic : parsed.diagnostics) {
    require(diagnostic.line >= 1 && diagnostic.column >= 1, "positions count from 1");
    require(diagnostic.to_string().find('\n') == std::string::npos, "a diagnostic is one line");
  }
  const Settings& settings = parsed.settings;
  require(settings.run_dir.starts_with('/') && settings.log_dir.starts_with('/'),
          "paths are absolute");
  require(settings.alert_queue >= 1, "numbers keep their bounds");
}
