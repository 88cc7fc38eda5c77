// `holdfast status`: asks the running daemon.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "daemon/control.h"
#include "daemon/startup.h"

namespace holdfast {
namespace {

void print_readable(const nlohmann::json& status) {
  std::cout << "holdfast " << status.value("version", "") << ": " << status.value("health", "")
            << ", " << (status.value("enforcing", false) ? "blocking" : "reporting only") << "\n";
  for (const auto& container : status.value("containers", nlohmann::json::array())) {
    std::cout << "  " << container.value("id", "").substr(0, 12) << "  "
              << container.value("coverage", "");
    if (container.contains("reason")) std::cout << " (" << container.value("reason", "") << ")";
    if (container.contains("changes_not_seen")) {
      std::cout << ", changes not seen (" << container.value("changes_not_seen", "") << ")";
    }
    if (container.contains("image")) std::cout << "  " << container["image"].value("name", "");
    std::cout << "\n";
  }
  const auto watch = status.value("exec_watch", nlohmann::json::object());
  std::cout << "  exec watch " << watch.value("state", "");
  if (watch.contains("reason")) std::cout << " (" << watch.value("reason", "") << ")";
  std::cout << "\n";
  const auto& events = status["events"];
  const auto& alerts = status["alerts"];
  std::cout << "  events " << events.value("read", 0) << ", refused " << events.value("refused", 0)
            << ", killed " << events.value("killed", 0) << ", alerts written "
            << alerts.value("written", 0) << ", lost " << alerts.value("lost", 0) << "\n";
}

}  // namespace

int status_command(const StatusOptions& options) {
  const Startup<Settings> settings = load_settings(options.run);
  if (const auto* failure = std::get_if<StartupFailure>(&settings)) {
    std::cerr << "holdfast: " << failure->text << "\n";
    return failure->exit_status;
  }
  const Result<std::string> text =
      request_status(std::get<Settings>(settings).run_dir + "/control.sock");
  if (!text) {
    std::cerr << "holdfast: " << text.error().message() << "\n";
    return 1;
  }
  const nlohmann::json status = nlohmann::json::parse(*text, nullptr, false);
  if (status.is_discarded()) {  // the worker was replaced while it wrote
    std::cerr << "holdfast: the daemon's answer is not complete; try again\n";
    return 1;
  }
  if (options.json) {
    std::cout << *text;
    return 0;
  }
  print_readable(status);
  return 0;
}

}  // namespace holdfast
