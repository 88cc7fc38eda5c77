// `holdfast status`: asks the running daemon.
#include <unistd.h>

#include <cerrno>
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

// A worker that died is replaced in a moment; until then nobody listens, or an answer breaks off.
constexpr std::chrono::seconds kReplacementTakes{2};
constexpr std::chrono::milliseconds kBetweenTries{50};

bool may_be_replaced(const Error& error) {
  return error.code == ECONNRESET || error.code == ECONNREFUSED || error.code == EPROTO;
}

Result<std::string> complete_status(const std::string& socket) {
  Result<std::string> text = request_status(socket);
  if (text && !nlohmann::json::accept(*text)) {
    return Error{EPROTO, "the daemon's answer is not complete", "try again"};
  }
  return text;
}

// Exit status; prints nothing but what is asked for.
int show(const std::string& socket, bool json, const char* before) {
  const auto end = std::chrono::steady_clock::now() + kReplacementTakes;
  Result<std::string> text = complete_status(socket);
  while (!text && may_be_replaced(text.error()) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kBetweenTries);
    text = complete_status(socket);
  }
  if (!text) {
    std::cerr << "holdfast: " << text.error().message() << "\n";
    return 1;
  }
  const nlohmann::json status = nlohmann::json::parse(*text);
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
