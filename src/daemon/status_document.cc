#include "daemon/status_document.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "daemon/enforcement.h"

namespace holdfast {
namespace {

nlohmann::json denied_by_kernel(const GateCounters& counters) {
  nlohmann::json by_name = nlohmann::json::object();
  for (std::size_t code = 0; code < counters.read_errors.size(); ++code) {
    const std::uint64_t count = counters.read_errors[code];
    const char* name = strerrorname_np(static_cast<int>(code));
    if (count > 0) by_name[name != nullptr && code > 0 ? name : "other"] = count;
  }
  return by_name;
}

nlohmann::json exec_watch(const DaemonStatus& status) {
  nlohmann::json watch{{"state", status.exec_watch}};
  if (!status.exec_watch_reason.empty()) watch["reason"] = status.exec_watch_reason;
  if (const ExecWatchCounters* counters = status.exec_watch_counters) {
    watch["execs"] = counters->execs.load();
    watch["of_containers"] = counters->containers.load();
    watch["scanned"] = counters->scanned.load();
    watch["lost"] = counters->lost.load();
  }
  return watch;
}

// Of containers without the seccomp profile.
nlohmann::json huge_pages(const DaemonStatus& status) {
  const bool marked = status.huge_pages.page_sizes > 0;
  nlohmann::json entry{{"mechanism", marked                      ? "memfd_gate"
                                     : status.exec_watch == "on" ? "exec_watch"
                                                                 : "none"},
                       {"page_sizes", status.huge_pages.page_sizes}};
  if (!status.huge_pages.reason.empty()) entry["reason"] = status.huge_pages.reason;
  return entry;
}

nlohmann::json seccomp(const SeccompAgent& agent) {
  const SeccompCounters& counters = agent.counters();
  return {{"listeners", agent.listeners()},
          {"states", counters.states.load()},
          {"states_refused", counters.states_refused.load()},
          {"notifications", counters.notifications.load()},
          {"memory_files", counters.memory_files.load()},
          {"refused", counters.refused.load()},
          {"let_happen", counters.let_happen.load()},
          {"uncovered", counters.uncovered.load()},
          {"unsupported", counters.unsupported.load()}};
}

// What meets a memory file that this container runs.
const char* memory_file_mechanism(const DaemonStatus& status, const ContainerStatus& container) {
  if (container.coverage == Coverage::none) return "none";
  if (status.seccomp != nullptr && status.seccomp->listens_to(container.workload->container.id))
    return "memfd_gate";
  return status.exec_watch == "on" ? "exec_watch" : "none";
}

nlohmann::json container_object(const DaemonStatus& status, const ContainerStatus& container) {
  const Identity who = container.identity.value_or(Identity{container.workload});
  const Workload& workload = *who.workload;
  const std::string memory_files = memory_file_mechanism(status, container);
  nlohmann::json entry{{"id", container.workload->container.id},
                       {"coverage", container.coverage == Coverage::full ? "full" : "none"},
                       {"root", container.root_type},
                       {"marked", container.marked},
                       {"memory_files", memory_files}};
  if (status.policy_set) {
    entry["enforcement"] = enforcement_of(*status.policy_set, who, status.identity_rules,
                                          {container.coverage == Coverage::full, memory_files});
  }
  if (who.missing != 0) {
    entry["missing"] = describe_facts(who.missing);
  } else if (container.identity) {
    entry["managed"] = who.managed;
  }
  if (!container.reason.empty()) entry["reason"] = container.reason;
  for (const UnmarkedMount& mount : container.unmarked) {
    entry["unmarked"].push_back(
        {{"mount", mount.mount_point}, {"type", mount.type}, {"reason", mount.reason}});
  }
  if (!container.unwatched.empty()) entry["changes_not_seen"] = container.unwatched;
  if (const ContainerCounters* counters = container.counters.get()) {
    entry["events"] = {{"read", counters->events.load()},
                       {"refused", counters->refused.load()},
                       {"alerted", counters->alerted.load()},
                       {"killed", counters->killed.load()}};
  }
  const auto put = [&entry](const char* key, const auto& fact) {
    if (fact) entry[key] = *fact;
  };
  put("runtime", workload.container.runtime);
  put("name", workload.container.name);
  put("namespace", workload.orchestrator.namespace_);
  put("pod", workload.orchestrator.resource_name);
  put("labels", workload.orchestrator.resource_labels);
  if (workload.container.image_name) entry["image"]["name"] = *workload.container.image_name;
  if (workload.container.image_tag) entry["image"]["tag"] = *workload.container.image_tag;
  return entry;
}

}  // namespace

std::string status_document(const DaemonStatus& status, const GateCounters& counters,
                            const ChangeCounters& changes) {
  using nlohmann::json;
  json containers = json::array();
  for (const ContainerStatus& container : status.containers) {
    containers.push_back(container_object(status, container));
  }
  json runtimes = json::array();
  for (const IdentityStore::ApiState& runtime : status.runtimes) {
    json entry{{"socket", runtime.socket}, {"answers", runtime.error.empty()}};
    if (!runtime.error.empty()) entry["error"] = runtime.error;
    runtimes.push_back(std::move(entry));
  }
  const bool degraded =
      std::any_of(status.runtimes.begin(), status.runtimes.end(),
                  [](const IdentityStore::ApiState& runtime) { return !runtime.error.empty(); }) ||
      !status.policy_error.empty() || status.alerts.lost > 0 ||
      std::any_of(status.containers.begin(), status.containers.end(),
                  [](const ContainerStatus& c) { return c.coverage == Coverage::none; });
  json document{
      {"version", HOLDFAST_VERSION},
      {"health", degraded ? "degraded" : "ok"},
      {"enforcing", status.enforcing},
      {"policies", status.policies},
      {"runtime_hold",
       {{"ready", status.runtime_hold}, {"restarts", status.runtime_hold_restarts}}},
      {"exec_watch", exec_watch(status)},
      {"huge_page_files", huge_pages(status)},
      {"runtimes", std::move(runtimes)},
      {"identities",
       {{"known", status.identities.known}, {"incomplete", status.identities.incomplete}}},
      {"keeper", {{"pid", status.keeper}}},
      {"worker",
       {{"pid", status.worker},
        {"restarts", status.worker_restarts},
        {"killed", status.workers_killed}}},
      {"containers", std::move(containers)},
      {"events",
       {{"read", counters.events.load()},
        {"refused", counters.refused.load()},
        {"alerted", counters.alerted.load()},
        {"killed", counters.killed.load()},
        {"compared", counters.comparisons.load()},
        {"uncompared", counters.uncompared.load()},
        {"undecided", counters.undecided.load()},
        {"inherited", counters.inherited.load()},
        {"paused", counters.paused.load()},
        {"denied_by_kernel", denied_by_kernel(counters)},
        {"hung_readers", counters.hung_readers.load()},
        {"overflows", counters.overflows.load()},
        {"leftovers", counters.leftovers.load()}}},
      {"changes",
       {{"read", changes.events.load()},
        {"in_containers", changes.in_layers.load()},
        {"overflows", changes.overflows.load()}}},
      {"alerts",
       {{"written", status.alerts.written},
        {"coalesced", status.alerts.coalesced},
        {"queued", status.alerts.queued},
        {"lost", status.alerts.lost},
        {"write_errors", status.alerts.write_errors}}}};
  if (status.seccomp != nullptr) document["seccomp"] = seccomp(*status.seccomp);
  if (!status.policy_error.empty()) document["policy_error"] = status.policy_error;
  // Names come from the node's files: bytes that are not UTF-8 must not make it throw.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace holdfast
