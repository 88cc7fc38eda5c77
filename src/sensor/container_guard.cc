#include "sensor/container_guard.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "policy/language.h"
#include "sensor/leftover.h"
#include "sensor/memfd_gate.h"
#include "sensor/write_intent.h"

namespace holdfast {
namespace {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void merge(Decision& into, Decision other) {
  into.strongest = std::max(into.strongest, other.strongest);
  into.alert |= other.alert;
  into.block |= other.block;
  into.log |= other.log;
  for (auto [to, from] :
       {std::pair(&into.selectors, &other.selectors), std::pair(&into.policies, &other.policies)}) {
    for (std::string& name : *from) {
      if (std::find(to->begin(), to->end(), name) == to->end()) to->push_back(std::move(name));
    }
  }
}

}  // namespace

ContainerGuard::ContainerGuard(std::shared_ptr<FanotifyGroup> group,
                               std::shared_ptr<const Places> places, RootMount root,
                               std::shared_ptr<const Workload> workload,
                               const GuardServices& services,
                               std::shared_ptr<ContainerCounters> counters)
    : group_(std::move(group)),
      root_(std::move(root)),
      services_(services),
      counters_(std::move(counters)),
      workload_(std::move(workload)),
      places_(std::move(places)) {}

std::shared_ptr<const Places> ContainerGuard::places() const {
  std::lock_guard lock(mutex_);
  return places_;
}

void ContainerGuard::set_places(std::shared_ptr<const Places> places) {
  std::lock_guard lock(mutex_);
  places_ = std::move(places);
}

void ContainerGuard::set_scout(std::shared_ptr<MountScout> scout) {
  std::lock_guard lock(mutex_);
  scout_ = std::move(scout);
}

bool ContainerGuard::has_new_mounts(pid_t tid) const {
  std::shared_ptr<MountScout> scout;
  {
    std::lock_guard lock(mutex_);
    scout = scout_;
  }
  return scout && !scout->knows(tid);
}

std::shared_ptr<const Workload> ContainerGuard::workload() const {
  std::lock_guard lock(mutex_);
  return workload_;
}

void ContainerGuard::set_workload(std::shared_ptr<const Workload> workload) {
  std::lock_guard lock(mutex_);
  workload_ = std::move(workload);
}

void ContainerGuard::set_identify(std::function<std::shared_ptr<const Workload>(pid_t)> identify) {
  std::lock_guard lock(mutex_);
  identify_ = std::move(identify);
}

std::optional<ContainerGuard::Deferred> ContainerGuard::handle(
    FanotifyEvent event, std::shared_ptr<FanotifyGroup> group) {
  count(&GateCounters::events, &ContainerCounters::events);
  if ((event.mask & (FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM)) != 0) {
    return handle_permission(std::move(event), group ? std::move(group) : group_);
  }
  return handle_notification(std::move(event));
}

// The second question of an exec whose first one was not decided.
bool ContainerGuard::is_undecided_exec(EventFacts& facts, pid_t tid) {
  return services_.undecided_execs != nullptr && services_.undecided_execs->take(tid) &&
         is_exec(facts.syscall());
}

std::optional<ContainerGuard::Deferred> ContainerGuard::handle_permission(
    FanotifyEvent event, std::shared_ptr<FanotifyGroup> group) {
  const std::uint64_t mask = event.mask;
  const pid_t tid = event.tid;
  PendingPermission pending(std::move(group), std::move(event), services_.fail_mode,
                            &services_.counters->undecided);
  KernelEventFacts facts(pending.file(), tid, root_);
  const std::shared_ptr<const Places> places = this->places();
  const bool runs = (mask & FAN_OPEN_EXEC_PERM) != 0 || is_undecided_exec(facts, tid);
  std::optional<Act> act = runs ? memfd_gate(facts) : std::nullopt;
  const Place& place = act ? places->root() : places->of(facts);
  if (!act) {
    act = runs ? exec_gate(facts, *place.content)
               : open_gate(facts, *place.content, place.rules, now_ns());
  }
  const bool new_mounts = runs && has_new_mounts(tid);
  if (new_mounts || (act && act->needs_comparison)) {
    return Deferred{std::move(pending), {}, std::move(act), places, &place, tid, new_mounts};
  }
  if (act && awaits_identity(*act, places->at(place, act->path).volume, tid, identity(tid))) {
    return Deferred{std::move(pending), {}, std::move(act), places, &place, tid, false, true};
  }
  if (act) {
    decide(*act, place, tid, &pending);
  } else {
    pending.allow();
  }
  return std::nullopt;
}

std::optional<ContainerGuard::Deferred> ContainerGuard::handle_notification(FanotifyEvent event) {
  if ((event.mask & FAN_Q_OVERFLOW) != 0) report_lost_events();
  if (!event.file.valid()) return std::nullopt;
  const pid_t tid = event.tid;
  const std::shared_ptr<const Places> places = this->places();
  KernelEventFacts facts(event.file.get(), tid, root_, *places);
  const Place& place = places->of(facts);
  if ((event.mask & FAN_CLOSE_WRITE) != 0) {
    std::optional<Act> act =
        change_watch(facts, *place.content, layer_watched_ && place.mount_point.empty());
    if (act) decide(*act, place, tid, nullptr);
  }
  const bool runs = (event.mask & FAN_OPEN_EXEC) != 0;
  const bool writes = (event.mask & FAN_CLOSE_WRITE) != 0;  // by the same thread: one event of both
  if (runs || ((event.mask & FAN_OPEN) != 0 && !writes)) {
    std::optional<Act> act =
        runs ? exec_gate(facts, *place.content) : code_gate(facts, *place.content, place.rules);
    const bool new_mounts = runs && has_new_mounts(tid);
    if (new_mounts || (act && act->needs_comparison)) {
      return Deferred{std::nullopt, std::move(event), std::move(act), places, &place,
                      tid,          new_mounts};
    }
    if (act) decide(*act, place, tid, nullptr);
  }
  return std::nullopt;
}

std::optional<Act> ContainerGuard::carry_out(const Deferred& deferred) const {
  if (deferred.new_mounts) {
    std::unique_lock lock(mutex_);
    const std::shared_ptr<MountScout> scout = scout_;
    lock.unlock();
    if (scout) scout->look(deferred.tid);
  }
  if (!deferred.act || !deferred.act->needs_comparison) return deferred.act;
  ++services_.counters->comparisons;
  const int fd = deferred.pending ? deferred.pending->file() : deferred.event.file.get();
  return compare_gate(*deferred.act, fd, *deferred.place->content);
}

std::optional<Act> ContainerGuard::substitute(const Deferred& deferred) const {
  if (!deferred.act || !deferred.act->needs_comparison) return deferred.act;
  ++services_.counters->uncompared;
  Act act = *deferred.act;
  act.needs_comparison = false;
  act.reason = "could not be compared with the image's file in time";
  return act;
}

void ContainerGuard::conclude(Deferred& deferred, const std::optional<Act>& act) {
  PendingPermission* pending = deferred.pending ? &*deferred.pending : nullptr;
  if (act) {
    decide(*act, *deferred.place, deferred.tid, pending);
  } else if (pending != nullptr) {
    pending->allow();
  }
}

void ContainerGuard::report_undecided(const EventSlot& slot, bool allowed) {
  const bool runs = (slot.event.mask & FAN_OPEN_EXEC_PERM) != 0;
  AlertRecord record;
  record.time = std::chrono::system_clock::now();
  record.event.workload = workload();
  record.event.operation = runs ? Operation::create_executable : Operation::modify_executable;
  record.event.path = KernelEventFacts(slot.event.fd, slot.event.pid, root_).path().value_or("");
  // Nothing more is asked about the process: that may be what the decision is stuck in.
  record.event.process.pid = record.process.process.pid = slot.event.pid;
  record.decision.alert = true;
  record.mechanism = runs ? Mechanism::exec_gate : Mechanism::open_gate;
  record.outcome = allowed ? Outcome::alerted : Outcome::blocked;
  record.reason =
      allowed ? "not decided in time: allowed undecided" : "not decided in time: refused undecided";
  services_.report(std::move(record));
}

AlertRecord denied_by_kernel(std::shared_ptr<const Workload> workload, int code,
                             std::uint64_t count) {
  AlertRecord record;
  record.time = std::chrono::system_clock::now();
  record.event.workload = std::move(workload);
  record.outcome = Outcome::unprotected;
  record.reason = std::to_string(count) +
                  " opens were denied by the kernel without being asked: " + std::strerror(code);
  return record;
}

void ContainerGuard::report_lost_events() {
  ++services_.counters->overflows;
  AlertRecord record;
  record.time = std::chrono::system_clock::now();
  record.event.workload = workload();
  record.outcome = Outcome::unprotected;
  record.reason = "it opened files faster than they could be looked at: some were not reported";
  services_.report(std::move(record));
}

// One act may be several operations: all are asked, the strongest action wins.
IdentityVerdict ContainerGuard::ask_policy(const Act& act, const Event& event,
                                           const Identity& who) const {
  const std::shared_ptr<const PolicySet> policies = services_.policies();
  Event asked = event;
  asked.operation = file_operation(act.operation);
  const auto decide = [&](const Event& one) {
    return who.missing == 0 ? DecisionWithout{policies->decide(one), true}
                            : policies->decide_without(one, who.missing);
  };
  DecisionWithout decision = decide(event);
  if (act.mechanism == Mechanism::open_gate || act.mechanism == Mechanism::change_watch) {
    DecisionWithout other = decide(asked);
    merge(decision.strictest, std::move(other.strictest));
    decision.certain &= other.certain;
  }
  return judge_identity(std::move(decision), who, services_.identity_rules);
}

bool ContainerGuard::remove(const Act& act, const Place& place, int fd) const {
  disarm_leftover(fd, act.file);
  // On the root no lookup leaves its filesystem.
  if (place.mount_point.empty()) {
    return remove_leftover(fd, act.file, act.path, place.views, place.device);
  }
  if (act.path.size() <= place.mount_point.size()) return false;
  // The lookup may outlive the event: it gets a descriptor of its own.
  const auto own = std::make_shared<UniqueFd>(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  const std::shared_ptr<const Workload> owner = workload();
  return services_.look_up(
      owner ? owner->container.id : "",
      [own, file = act.file, below = act.path.substr(place.mount_point.size()), views = place.views,
       device = place.device] { return remove_leftover(own->get(), file, below, views, device); });
}

void ContainerGuard::decide(const Act& act, const Place& judged_by, pid_t tid,
                            PendingPermission* pending) {
  const bool runs = intent_of(act) == Intent::run;
  if (services_.origin->is_host(tid, intent_of(act))) {
    if (pending != nullptr) pending->allow();
    return;
  }

  const Identity who = identity(tid);
  AlertRecord record = record_of(act, who);
  const std::shared_ptr<const Places> places = this->places();
  const Place& place = places->at(judged_by, act.path);
  record.event.volume = place.volume;
  // Read now: a blocked process cannot exit or change its name.
  name_process(record, process_of(who, tid));
  if (pending == nullptr) {
    if (!runs || let_run_.seen_by_gate(record.process.process.pid, act.file)) {
      tell_of(act, std::move(record), who);
    }
    return;
  }
  decide_by_now(act, record, who);  // it has waited, or cannot
  const bool block = record.decision.block;
  record.outcome = block ? Outcome::blocked : Outcome::alerted;
  bool tell = record.decision.strongest != Action::allow;
  if (runs && !block) {
    // The exec watch may have told of it already.
    tell = let_run_.seen_by_gate(record.process.process.pid, act.file) && tell;
  }
  if (tell) services_.expect(record);
  bool in_time = true;
  if (block) {
    if (act.created_now && !remove(act, place, pending->file())) {
      ++services_.counters->leftovers;
    }
    in_time = pending->deny();
    count(&GateCounters::refused, &ContainerCounters::refused);
  } else {
    in_time = pending->allow();
  }
  if (!tell) return;
  if (!in_time) {
    record.outcome = services_.fail_mode == FailMode::allow ? Outcome::alerted : Outcome::blocked;
    record.reason += "; decided too late: answered undecided";
  } else if (!block) {
    count(&GateCounters::alerted, &ContainerCounters::alerted);
  }
  report(std::move(record), who);
}

}  // namespace holdfast
