// `holdfast status`: asks the running daemon.
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/commands.h"
#include "cli/status_table.h"
#include "daemon/control.h"
#include "daemon/startup.h"

namespace holdfast {
namespace {

constexpr std::chrono::seconds kRefresh{1};

// Exit status; prints nothing but what is asked for.
int show(const std::string& socket, bool json, const char* before) {
  const Result<std::string> text = request_status(socket);
  if (!text) {
    std::cerr << "holdfast: " << text.error().message() << "\n";
    return 1;
  }
  const nlohmann::json status = nlohmann::json::parse(*text, nullptr, false);
  if (!status.is_object()) {  // the worker was replaced while it wrote
    std::cerr << "holdfast: the daemon's answer is not complete; try again\n";
    return 1;
  }
  // One line a look, where it is repeated.
  if (json && *before != '\0') {
    std::cout << status.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  } else {
    std::cout << (json ? "" : before) << (json ? *text : status_table(status)) << std::flush;
  }
  return 0;
}

}  // namespace

int status_command(const StatusOptions& options) {
  const Startup<Settings> settings = load_settings(options.run);
  if (const auto* failure = std::get_if<StartupFailure>(&settings)) {
    std::cerr << "holdfast: " << failure->text << "\n";
    return failure->exit_status;
  }
  const std::string socket = std::get<Settings>(settings).run_dir + "/control.sock";
  if (!options.watch) return show(socket, options.json, "");
  // A terminal is cleared before each look; elsewhere looks are apart by an empty line.
  const char* const before = isatty(STDOUT_FILENO) == 1 ? "\x1b[H\x1b[2J" : "\n";
  bool shown = false;  // a daemon that restarts is waited for; one that never was there is not
  while (std::cout) {
    const int status = show(socket, options.json, before);
    if (status != 0 && !shown) return status;
    shown = true;
    std::this_thread::sleep_for(kRefresh);
  }
  return 0;
}

}  // namespace holdfast
