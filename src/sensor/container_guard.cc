#include "sensor/container_guard.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "sensor/leftover.h"
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
                               std::shared_ptr<RootContent> content, Root root,
                               std::shared_ptr<const Workload> workload,
                               const GuardServices& services)
    : group_(std::move(group)),
      content_(std::move(content)),
      root_(std::move(root)),
      services_(services),
      workload_(std::move(workload)) {}

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

std::optional<ContainerGuard::Comparison> ContainerGuard::handle(FanotifyEvent event) {
  ++services_.counters->events;
  if ((event.mask & (FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM)) != 0) {
    return handle_permission(std::move(event));
  }
  return handle_notification(std::move(event));
}

// The second question of an exec whose first one was not decided.
bool ContainerGuard::is_undecided_exec(EventFacts& facts, pid_t tid) {
  return services_.undecided_execs != nullptr && services_.undecided_execs->take(tid) &&
         is_exec(facts.syscall());
}

std::optional<ContainerGuard::Comparison> ContainerGuard::handle_permission(FanotifyEvent event) {
  const std::uint64_t mask = event.mask;
  const pid_t tid = event.tid;
  PendingPermission pending(group_, std::move(event), services_.fail_mode,
                            &services_.counters->undecided);
  KernelEventFacts facts(pending.file(), tid, root_.mount);
  const bool runs = (mask & FAN_OPEN_EXEC_PERM) != 0 || is_undecided_exec(facts, tid);
  std::optional<Act> act =
      runs ? exec_gate(facts, *content_) : open_gate(facts, *content_, now_ns());
  if (!act) {
    pending.allow();
    return std::nullopt;
  }
  if (act->needs_comparison) return Comparison{std::move(pending), {}, std::move(*act), tid};
  decide(*act, tid, &pending);
  return std::nullopt;
}

std::optional<ContainerGuard::Comparison> ContainerGuard::handle_notification(FanotifyEvent event) {
  if (!event.file.valid()) return std::nullopt;
  KernelEventFacts facts(event.file.get(), event.tid, root_.mount);
  if ((event.mask & FAN_OPEN_EXEC) != 0) {
    std::optional<Act> act = exec_gate(facts, *content_);
    if (act && act->needs_comparison) {
      const pid_t tid = event.tid;
      return Comparison{std::nullopt, std::move(event), std::move(*act), tid};
    }
    if (act) decide(*act, event.tid, nullptr);
  }
  if ((event.mask & FAN_CLOSE_WRITE) != 0) {
    std::optional<Act> act = change_watch(facts, *content_, layer_watched_);
    if (act) decide(*act, event.tid, nullptr);
  }
  return std::nullopt;
}

std::optional<Act> ContainerGuard::compare(const Comparison& comparison) const {
  ++services_.counters->comparisons;
  const int fd = comparison.pending ? comparison.pending->file() : comparison.event.file.get();
  return compare_gate(comparison.act, fd, *content_);
}

Act ContainerGuard::uncompared(const Comparison& comparison) const {
  ++services_.counters->uncompared;
  Act act = comparison.act;
  act.needs_comparison = false;
  act.reason = "could not be compared with the image's file in time";
  return act;
}

void ContainerGuard::conclude(Comparison& comparison, const std::optional<Act>& act) {
  PendingPermission* pending = comparison.pending ? &*comparison.pending : nullptr;
  if (act) {
    decide(*act, comparison.tid, pending);
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
  record.event.path =
      KernelEventFacts(slot.event.fd, slot.event.pid, root_.mount).path().value_or("");
  // Nothing more is asked about the process: that may be what the decision is stuck in.
  record.event.process.pid = record.process.process.pid = slot.event.pid;
  record.decision.alert = true;
  record.mechanism = runs ? Mechanism::exec_gate : Mechanism::open_gate;
  record.outcome = allowed ? Outcome::alerted : Outcome::blocked;
  record.reason =
      allowed ? "not decided in time: allowed undecided" : "not decided in time: refused undecided";
  services_.report(std::move(record));
}

void ContainerGuard::report_denied_by_kernel(int code, std::uint64_t count) {
  AlertRecord record;
  record.time = std::chrono::system_clock::now();
  record.event.workload = workload();
  record.outcome = Outcome::unprotected;
  record.reason = std::to_string(count) +
                  " opens were denied by the kernel without being asked: " + std::strerror(code);
  services_.report(std::move(record));
}

// One act may be several operations: all are asked, the strongest action wins.
Decision ContainerGuard::ask_policy(const Act& act, const Event& event) const {
  const std::shared_ptr<const PolicySet> policies = services_.policies();
  Event asked = event;
  asked.operation = act.operation == Operation::create_executable ? Operation::create_file
                                                                  : Operation::modify_file;
  Decision decision = policies->decide(event);
  if (act.mechanism != Mechanism::exec_gate) merge(decision, policies->decide(asked));
  return decision;
}

void ContainerGuard::decide(const Act& act, pid_t tid, PendingPermission* pending) {
  const Intent intent = act.mechanism == Mechanism::exec_gate ? Intent::run : Intent::write;
  if (services_.origin->is_host(tid, intent)) {
    if (pending != nullptr) pending->allow();
    return;
  }

  AlertRecord record = record_of(act, actor_in_container(tid));
  const bool block = record.decision.block && pending != nullptr;
  record.outcome = block ? Outcome::blocked : Outcome::alerted;
  const bool tell = record.decision.strongest != Action::allow;
  if (tell) services_.expect(record);
  bool in_time = true;
  if (block) {
    if (act.created_now &&
        !remove_leftover(pending->file(), act.file, act.path, root_.views, root_.mount.device)) {
      ++services_.counters->leftovers;
    }
    in_time = pending->deny();
    ++services_.counters->refused;
  } else if (pending != nullptr) {
    in_time = pending->allow();
  }
  if (!tell) return;
  if (!in_time) {
    record.outcome = services_.fail_mode == FailMode::allow ? Outcome::alerted : Outcome::blocked;
    record.reason += "; decided too late: answered undecided";
  } else if (!block) {
    ++services_.counters->alerted;
  }
  services_.report(std::move(record));
}

}  // namespace holdfast
