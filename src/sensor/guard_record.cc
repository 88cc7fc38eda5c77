// ContainerGuard, what is told of an act: who did it, what the policy says.
#include "kernel/procfs.h"
#include "sensor/container_guard.h"

namespace holdfast {

std::shared_ptr<const Workload> ContainerGuard::workload_for(pid_t tid) const {
  std::unique_lock lock(mutex_);
  if (!identify_) return workload_;
  const auto identify = identify_;
  lock.unlock();
  return identify(tid);
}

ProcessTree ContainerGuard::process_of(const Workload* workload, pid_t tid) const {
  return services_.read_process(workload != nullptr ? workload->container.id : "",
                                thread_group_of(tid).value_or(tid));
}

AlertRecord ContainerGuard::record_of(const Act& act, std::shared_ptr<const Workload> workload) {
  AlertRecord record;
  record.time = std::chrono::system_clock::now();
  record.event.workload = std::move(workload);
  record.event.operation = act.operation;
  record.event.path = act.path;
  record.event.volume = act.volume;
  record.mechanism = act.mechanism;
  record.file = {act.file.stx_mode, act.file.stx_ino, act.file.stx_size, act.file.stx_uid,
                 act.file.stx_gid};
  record.is_read = act.is_read;
  record.reason = act.reason;
  return record;
}

void ContainerGuard::name_process(AlertRecord& record, ProcessTree process) {
  record.process = std::move(process);
  const ProcessFacts& facts = record.process.process;
  Process& asked = record.event.process;
  asked.pid = facts.pid;
  if (!facts.name.empty()) asked.name = facts.name;
  if (!facts.executable.empty()) asked.executable = facts.executable;
  asked.interactive = facts.interactive;
}

std::optional<ContainerGuard::Actor> ContainerGuard::actor(pid_t tid) const {
  if (services_.origin->is_host(tid, Intent::write)) return std::nullopt;
  std::shared_ptr<const Workload> workload = workload_for(tid);
  ProcessTree process = process_of(workload.get(), tid);
  return Actor{std::move(workload), std::move(process)};
}

void ContainerGuard::changed(const Act& act, Actor actor) {
  AlertRecord record = record_of(act, std::move(actor.workload));
  name_process(record, std::move(actor.process));
  record.decision = ask_policy(act, record.event);
  if (record.decision.strongest == Action::allow) return;
  record.outcome = Outcome::alerted;
  record.seen_afterwards = true;
  if (record.decision.block) record.reason += "; this cannot be refused, the file's run can";
  ++services_.counters->alerted;
  services_.report(std::move(record));
}

}  // namespace holdfast
