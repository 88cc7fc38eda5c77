#include "daemon/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <cstdio>

#include "daemon/host_view.h"
#include "daemon/instance_lock.h"
#include "daemon/keeper.h"
#include "daemon/log_output.h"
#include "daemon/log_relay.h"
#include "daemon/startup.h"
#include "daemon/worker.h"
#include "kernel/fanotify.h"
#include "sensor/seccomp_connection.h"

namespace holdfast {
namespace {

int refuse(int exit_status, const std::string& text) {
  std::fprintf(stderr, "holdfast: %s\n", text.c_str());
  return exit_status;
}

int refuse(const Error& error) { return refuse(2, error.message()); }
int refuse(const StartupFailure& failure) { return refuse(failure.exit_status, failure.text); }

void ignore_signals() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGIO, SIG_IGN);  // a broken lease: its default action would end the daemon
}

Result<ProcConnector> subscribe_to_execs(const Settings& settings) {
  if (!settings.exec_watch) return Error{0, "switched off by the setting exec_watch", ""};
  Result<ProcConnector> connector = ProcConnector::subscribe();
  if (!connector) {
    spdlog::warn(
        "no exec watch: {}; memory files and what runs from unmarked filesystems go unseen",
        connector.error().message());
  }
  return connector;
}

// From systemd/holdfast-seccomp.socket, where runtimes can wait while the daemon is restarted, or
// one of our own.
Result<UniqueFd> seccomp_socket(const Settings& settings, std::vector<StoredDescriptor>& stored) {
  for (StoredDescriptor& descriptor : stored) {
    if (descriptor.name != "holdfast-seccomp") continue;
    fcntl(descriptor.fd.get(), F_SETFL, O_NONBLOCK);
    return std::move(descriptor.fd);
  }
  return listen_for_runtimes(settings.run_dir + "/seccomp.sock");
}

KeeperSettings keeper_settings(const Settings& settings) {
  KeeperSettings keeper;
  keeper.heartbeat = std::chrono::milliseconds(settings.heartbeat);
  keeper.answer_deadline = std::chrono::milliseconds(settings.answer_deadline);
  keeper.allow_undecided = settings.fail_allow;
  return keeper;
}

}  // namespace

int run_daemon(const RunOptions& options) {
  set_up_logging();
  ignore_signals();
  const LogRelay relay;
  ServiceManager manager = ServiceManager::from_environment();
  std::vector<StoredDescriptor> stored = take_stored_descriptors();

  Startup<Settings> loaded = load_settings(options);
  if (const auto* failure = std::get_if<StartupFailure>(&loaded)) return refuse(*failure);
  const Settings settings = std::get<Settings>(std::move(loaded));
  Startup<LoadedPolicies> compiled = load_policies(settings);
  if (const auto* failure = std::get_if<StartupFailure>(&compiled)) return refuse(*failure);
  const LoadedPolicies policies = std::get<LoadedPolicies>(std::move(compiled));

  if (Status events = try_permission_events(); !events) return refuse(events.error());
  Result<HostView> host = HostView::find(settings.host_root);
  if (!host) return refuse(host.error());
  if (Status made = make_directories(settings); !made) return refuse(made.error());
  Result<UniqueFd> lock = take_instance_lock(settings.run_dir + "/lock");
  if (!lock) return refuse(lock.error());
  raise_limits();
  Result<SharedStatePtr> state = map_shared_state(settings.run_dir + "/state");
  if (!state) return refuse(state.error());

  const Result<ProcConnector> execs = subscribe_to_execs(settings);
  Result<UniqueFd> seccomp = seccomp_socket(settings, stored);
  if (!seccomp) return refuse(seccomp.error());

  std::vector<int> descriptors = {lock->get(), manager.socket(), execs ? execs->fd() : -1,
                                  seccomp->get()};
  const WorkerContext worker{settings, policies, *host,          **state,
                             execs,    getpid(), seccomp->get(), descriptors};
  Keeper keeper(**state, std::move(manager), keeper_settings(settings),
                [&] { return run_worker(worker); });
  keeper.inherit(std::move(stored));
  return keeper.run();
}

}  // namespace holdfast
