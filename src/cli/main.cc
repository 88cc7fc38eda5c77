// The command line: one function a subcommand, each in its own file.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/commands.h"
#include "daemon/daemon.h"
#include "daemon/runtime_hold.h"

namespace {

using namespace holdfast;

constexpr int kUsageError = 2;

// Started by the daemon only, so it is not among the subcommands.
int hold_command(int argc, char** argv) {
  if (argc < 3) return kUsageError;
  return runtime_hold_main(std::atoi(argv[2]), std::vector<std::string>(argv + 3, argv + argc));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "runtime-hold") return hold_command(argc, argv);

  CLI::App app{
      "holdfast keeps containers as they were shipped: it blocks and reports changed and "
      "added executables."};
  app.set_version_flag("--version", std::string("holdfast ") + HOLDFAST_VERSION);
  app.require_subcommand(1);

  RunOptions run;
  CLI::App* run_app = app.add_subcommand("run", "Run the daemon in the foreground");
  run_app->add_option("--config", run.config, "Settings file")->default_str(kDefaultConfig);
  run_app->add_option("--policy", run.policies, "Policy file or directory; may be repeated")
      ->allow_extra_args(false);
  run_app->add_option("--alerts", run.alerts, "Alert file");
  run_app->add_option("--state-dir", run.state_dir,
                      "Put sockets, lock and logs below this directory");

  std::vector<std::string> files;
  CLI::App* check_app = app.add_subcommand("check", "Validate policies and settings");
  check_app->add_option("FILE", files, "Policy or settings files, or directories")->required();
  CheckOptions check;
  check_app->add_flag("--d4c", check.d4c, "Apply Elastic's current rules as well");
  check_app->add_flag("--json", check.json, "As JSON");

  std::vector<std::string> policies;
  std::optional<std::string> event;
  CLI::App* explain_app = app.add_subcommand("explain", "Decide events offline and say why");
  explain_app->add_option("--policy", policies, "Policy file or directory; may be repeated")
      ->required()
      ->allow_extra_args(false);
  explain_app->add_option("--event", event,
                          "Event or alert as JSON, or one a line; standard input without it");
  bool as_json = false;
  bool as_tree = false;
  explain_app->add_flag("--json", as_json, "As JSON; the default unless output is a terminal");
  explain_app->add_flag("--tree", as_tree, "As a readable tree; the default on a terminal")
      ->excludes("--json");

  std::vector<std::string> logs;
  CLI::App* replay_app =
      app.add_subcommand("replay", "Decide recorded alerts again under another policy");
  replay_app->add_option("--policy", policies, "Policy file or directory; may be repeated")
      ->required()
      ->allow_extra_args(false);
  replay_app->add_flag("--json", as_json, "As JSON");
  replay_app->add_option("ALERTS", logs, "Alert logs or events, one a line; - is standard input")
      ->required();

  CLI::App* suggest_app =
      app.add_subcommand("suggest", "Propose exclude selectors that silence recorded alerts");
  suggest_app->add_option("ALERTS", logs, "Alert logs, one document a line; - is standard input")
      ->required();

  StatusOptions status;
  CLI::App* status_app = app.add_subcommand("status", "Show the running daemon and its containers");
  status_app->add_flag("--json", status.json, "As JSON");
  status_app->add_flag("--watch", status.watch, "Every second, until it is ended");
  status_app->add_option("--config", status.run.config, "Settings file")
      ->default_str(kDefaultConfig);
  status_app->add_option("--state-dir", status.run.state_dir, "The daemon's --state-dir");

  CLI::App* probe_app = app.add_subcommand(
      "probe", "Try what this kernel and host can enforce, and say what is missing");
  probe_app->add_flag("--json", as_json, "As JSON");

  SeccompProfileOptions profile;
  CLI::App* profile_app = app.add_subcommand(
      "seccomp-profile",
      "Print a seccomp profile that asks the daemon about memory files and more");
  profile_app->add_option("--base", profile.base,
                          "The engine's own profile, OCI's or docker's form");
  profile_app
      ->add_option(
          "--rules", profile.rules,
          "What is asked about: memfd, mount, namespaces, io_uring, permissions (by commas), all")
      ->capture_default_str();
  profile_app->add_option("--listener", profile.listener, "The daemon's socket")
      ->capture_default_str();
  profile_app->add_flag("--resolve", profile.resolve,
                        "Resolve docker's conditions, for runtimes that do not (containerd's CRI)");
  profile_app->add_option("--capabilities", profile.capabilities,
                          "With --resolve: the container's, by commas");
  profile_app->add_option("--bundle", profile.bundle,
                          "Change the config.json of this OCI bundle instead");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::cerr << "holdfast: " << error.what() << " (see holdfast --help)\n";
    return kUsageError;
  }
  if (*run_app) return run_daemon(run);
  if (*check_app) return check_command(files, check);
  if (*explain_app) {
    return explain_command(policies, event, as_tree || (!as_json && isatty(STDOUT_FILENO) == 1));
  }
  if (*replay_app) return replay_command(policies, logs, as_json);
  if (*suggest_app) return suggest_command(logs);
  if (*probe_app) return probe_command(as_json);
  if (*profile_app) return seccomp_profile_command(profile);
  return status_command(status);
}
