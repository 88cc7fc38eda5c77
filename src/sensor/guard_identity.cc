// ContainerGuard, who the container is: what is decided without it, and what waits for it.
#include "sensor/container_guard.h"

namespace holdfast {

Identity ContainerGuard::identity(pid_t tid) const {
  std::unique_lock lock(mutex_);
  std::shared_ptr<const Workload> workload = workload_;
  const std::function<std::shared_ptr<const Workload>(pid_t)> identify = identify_;
  lock.unlock();
  if (identify) workload = identify(tid);
  if (services_.identities == nullptr) return {std::move(workload)};
  return services_.identities->of(workload->container.id);
}

bool ContainerGuard::when_known(const Identity& who,
                                std::function<void(ContainerGuard&, Identity)> then) {
  const std::shared_ptr<ContainerGuard> self = weak_from_this().lock();
  if (self == nullptr || services_.identities == nullptr) return false;
  IdentitySource& identities = *services_.identities;
  const std::string& id = who.workload->container.id;
  identities.when_known(id, [self, &identities, id, then = std::move(then)] {
    Identity now = identities.of(id);
    now.overdue = now.missing != 0;  // nobody waits twice
    then(*self, std::move(now));
  });
  return true;
}

bool ContainerGuard::decide_record(const Act& act, AlertRecord& record, const Identity& who) const {
  IdentityVerdict verdict = ask_policy(act, record.event, who);
  if (verdict.wait) return false;
  record.decision = std::move(verdict.decision);
  if (!verdict.reason.empty()) {
    record.reason += (record.reason.empty() ? "" : "; ") + verdict.reason;
  }
  return true;
}

void ContainerGuard::decide_by_now(const Act& act, AlertRecord& record, Identity who) const {
  if (decide_record(act, record, who)) return;
  who.overdue = true;
  (void)decide_record(act, record, who);
}

bool ContainerGuard::awaits_identity(const Act& act, Volume volume, pid_t tid,
                                     const Identity& who) const {
  if (who.missing == 0 || who.overdue) return false;
  if (services_.origin->is_host(tid, intent_of(act))) return false;
  AlertRecord record = record_of(act, who);
  record.event.volume = volume;
  name_process(record, process_of(who, tid));
  return ask_policy(act, record.event, who).wait;
}

bool ContainerGuard::await_identity(const Deferred& deferred, const Act& act,
                                    std::function<void()> then) {
  if (!deferred.pending) return false;
  const Identity who = identity(deferred.tid);
  const Volume volume = deferred.places->at(*deferred.place, act.path).volume;
  if (!deferred.awaits_identity && !awaits_identity(act, volume, deferred.tid, who)) return false;
  services_.identities->when_known(who.workload->container.id, std::move(then));
  return true;
}

// What was decided without all facts is told with them.
void ContainerGuard::report(AlertRecord record, const Identity& who) const {
  if (who.missing == 0 || who.overdue || services_.identities == nullptr) {
    services_.report(std::move(record));
    return;
  }
  const std::string& id = who.workload->container.id;
  services_.identities->when_known(id, [&services = services_, id, record = std::move(record)] {
    AlertRecord complete = record;
    complete.event.workload = services.identities->of(id).workload;
    services.report(std::move(complete));
  });
}

}  // namespace holdfast
