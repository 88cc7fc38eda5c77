// ContainerGuard, what is told of an act: who did it, what the policy says.
#include "kernel/procfs.h"
#include "sensor/container_guard.h"

namespace holdfast {

std::optional<ContainerGuard::Actor> ContainerGuard::actor(pid_t tid) const {
  if (services_.origin->is_host(tid, Intent::write)) return std::nullopt;
  return actor_in_container(tid);
}

ContainerGuard::Actor ContainerGuard::actor_in_container(pid_t tid) const {
  Actor actor;
  std::function<std::shared_ptr<const Workload>(pid_t)> identify;
  {
    std::lock_guard lock(mutex_);
    actor.workload = workload_;
    identify = identify_;
  }
  if (identify) actor.workload = identify(tid);
  // Read now: a blocked process cannot exit or change its name.
  actor.process = services_.read_process(actor.workload ? actor.workload->container.id : "",
                                         thread_group_of(tid).value_or(tid));
  return actor;
}

AlertRecord ContainerGuard::record_of(const Act& act, Actor actor) const {
  AlertRecord record;
  record.time = std::chrono::system_clock::now();
  record.event.workload = std::move(actor.workload);
  record.event.operation = act.operation;
  record.event.path = act.path;
  record.process = std::move(actor.process);
  const ProcessFacts& process = record.process.process;
  record.event.process.pid = process.pid;
  if (!process.name.empty()) record.event.process.name = process.name;
  if (!process.executable.empty()) record.event.process.executable = process.executable;
  record.event.process.interactive = process.interactive;
  record.decision = ask_policy(act, record.event);
  record.mechanism = act.mechanism;
  record.file = {act.file.stx_mode, act.file.stx_ino, act.file.stx_size, act.file.stx_uid,
                 act.file.stx_gid};
  record.reason = act.reason;
  return record;
}

void ContainerGuard::changed(const Act& act, Actor actor) {
  AlertRecord record = record_of(act, std::move(actor));
  if (record.decision.strongest == Action::allow) return;
  record.outcome = Outcome::alerted;
  record.seen_afterwards = true;
  if (record.decision.block) record.reason += "; this cannot be refused, the file's run can";
  ++services_.counters->alerted;
  services_.report(std::move(record));
}

}  // namespace holdfast
