// ContainerGuard, what is told of an act: who did it, what the policy says.
#include "kernel/procfs.h"
#include "sensor/container_guard.h"

namespace holdfast {

ProcessTree ContainerGuard::process_of(const Identity& who, pid_t tid) const {
  return services_.read_process(who.workload ? who.workload->container.id : "",
                                thread_group_of(tid).value_or(tid));
}

AlertRecord ContainerGuard::record_of(const Act& act, const Identity& who) {
  AlertRecord record;
  record.time = std::chrono::system_clock::now();
  record.event.workload = who.workload;
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
  Identity who = identity(tid);
  ProcessTree process = process_of(who, tid);
  return Actor{std::move(who), std::move(process)};
}

void ContainerGuard::changed(const Act& act, Actor actor) {
  AlertRecord record = record_of(act, actor.who);
  name_process(record, std::move(actor.process));
  record.seen_afterwards = true;
  tell_of(act, std::move(record), actor.who);
}

void ContainerGuard::tell_of(const Act& act, AlertRecord record, const Identity& who) {
  if (!decide_record(act, record, who)) {
    const bool waits = when_known(who, [act, record](ContainerGuard& guard, const Identity& now) {
      AlertRecord complete = record;
      complete.event.workload = now.workload;
      guard.tell_of(act, std::move(complete), now);
    });
    if (waits) return;
    decide_by_now(act, record, who);
  }
  if (record.decision.strongest == Action::allow) return;
  record.outcome = Outcome::alerted;
  if (record.seen_afterwards && record.decision.block) {
    record.reason += "; this cannot be refused, the file's run can";
  }
  services_.expect(record);
  count(&GateCounters::alerted, &ContainerCounters::alerted);
  report(std::move(record), who);
}

}  // namespace holdfast
