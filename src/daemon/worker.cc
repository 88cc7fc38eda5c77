#include "daemon/worker.h"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <cstdio>

#include "daemon/container_watch.h"
#include "daemon/control.h"
#include "daemon/host_view.h"
#include "daemon/instance_lock.h"
#include "daemon/log_output.h"
#include "daemon/policy_store.h"
#include "daemon/startup.h"
#include "daemon/status_document.h"

namespace holdfast {
namespace {

int refuse(int exit_status, const std::string& text) {
  std::fprintf(stderr, "holdfast: %s\n", text.c_str());
  return exit_status;
}

int refuse(const Error& error) { return refuse(2, error.message()); }
int refuse(const StartupFailure& failure) { return refuse(failure.exit_status, failure.text); }

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

// Before any thread starts: all inherit it.
void block_signals() {
  const sigset_t signals = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGIO, SIG_IGN);  // a broken lease: its default action would end the daemon
}

RuntimePaths runtime_paths(const Settings& settings, const HostView& host) {
  RuntimePaths paths;
  paths.prefix = host.prefix();
  const auto add = [](std::vector<std::string>& to, const std::vector<std::string>& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  add(paths.podman_storage, settings.podman_storage);
  add(paths.docker_root, settings.docker_root);
  add(paths.oci_state, settings.oci_state);
  return paths;
}

Action strongest_action(const PolicySet& policies) {
  return policies.strongest_for({Operation::create_executable, Operation::modify_executable});
}

void announce(const PolicySet& policies) {
  spdlog::info("policy: executables are {}", strongest_action(policies) == Action::block
                                                 ? "blocked and reported"
                                                 : "reported, not blocked");
  if (policies.strongest_for({Operation::exec_memfd}) != Action::allow) {
    spdlog::warn("execMemFd is not enforced yet: memory files run unseen");
  }
}

}  // namespace

int run_daemon(const RunOptions& options) {
  set_up_logging();
  block_signals();

  Startup<Settings> loaded = load_settings(options);
  if (const auto* failure = std::get_if<StartupFailure>(&loaded)) return refuse(*failure);
  const Settings settings = std::get<Settings>(std::move(loaded));
  Startup<std::shared_ptr<const PolicySet>> compiled = load_policies(settings);
  if (const auto* failure = std::get_if<StartupFailure>(&compiled)) return refuse(*failure);
  PolicyStore policies(std::get<std::shared_ptr<const PolicySet>>(std::move(compiled)));

  if (Status privileged = check_privileges(); !privileged) return refuse(privileged.error());
  Result<HostView> host = HostView::find(settings.host_root);
  if (!host) return refuse(host.error());
  if (Status made = make_directories(settings); !made) return refuse(made.error());
  Result<UniqueFd> lock = take_instance_lock(settings.run_dir + "/lock");
  if (!lock) return refuse(lock.error());
  Result<std::unique_ptr<AlertLog>> log =
      AlertLog::open(alert_log_settings(settings), HostFacts::read());
  if (!log) return refuse(log.error());
  raise_limits();

  const WorkloadResolver resolver(runtime_paths(settings, *host));
  const ProcfsProcessOrigin origin(resolver, host->mounts(), host->root());
  GateCounters counters;
  const GuardServices services{[&] { return policies.get(); },
                               [&](AlertRecord record) { (*log)->submit(std::move(record)); },
                               &origin, &counters};
  Result<std::unique_ptr<Responder>> responder = Responder::start(counters);
  if (!responder) return refuse(responder.error());
  Registry registry(*host, resolver, **responder, services,
                    {settings.compare_limit, strongest_action(*policies.get()) == Action::block});
  Result<std::unique_ptr<ContainerWatch>> watch =
      ContainerWatch::start(*host, registry, settings.runtime_binaries);
  if (!watch) return refuse(watch.error());

  std::mutex reload_mutex;
  std::string reload_error;
  const auto status = [&] {
    DaemonStatus now;
    now.policies = settings.policies;
    now.enforcing = strongest_action(*policies.get()) == Action::block;
    now.runtime_hold = (*watch)->hold_ready();
    now.runtime_hold_restarts = (*watch)->hold_restarts();
    now.containers = registry.containers();
    now.alerts = (*log)->counters();
    std::lock_guard guard(reload_mutex);
    now.policy_error = reload_error;
    return status_document(now, counters);
  };
  Result<std::unique_ptr<ControlServer>> control =
      ControlServer::start(settings.run_dir + "/control.sock", status);
  if (!control) return refuse(control.error());

  announce(*policies.get());
  spdlog::info("ready");
  const auto reload = [&] {
    Startup<std::shared_ptr<const PolicySet>> fresh = load_policies(settings);
    std::lock_guard guard(reload_mutex);
    if (const auto* failure = std::get_if<StartupFailure>(&fresh)) {
      reload_error = failure->text;
      spdlog::error("policies stay as they were: {}", failure->text);
      return;
    }
    reload_error.clear();
    policies.replace(std::get<std::shared_ptr<const PolicySet>>(std::move(fresh)));
    announce(*policies.get());
    const bool block = strongest_action(*policies.get()) == Action::block;
    (*watch)->post([&registry, block] { registry.set_block(block); });
  };
  const sigset_t signals = awaited_signals();
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) reload();

  spdlog::info("stopping");
  control->reset();
  watch->reset();        // the hold ends: runtimes run
  (*responder)->stop();  // what is pending gets its answer; the marks go with the registry
  return 0;
}

}  // namespace holdfast
