#include "sensor/container_guard.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "sensor/leftover.h"

namespace holdfast {
namespace {

constexpr std::size_t kMostReportedOpens = 256;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

FileFacts file_facts(const FileStat& file) {
  return {file.stx_mode, file.stx_ino, file.stx_size, file.stx_uid, file.stx_gid};
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

std::optional<ContainerGuard::Comparison> ContainerGuard::handle_permission(FanotifyEvent event) {
  PendingPermission pending(group_, std::move(event.file), FailMode::allow,
                            &services_.counters->undecided);
  KernelEventFacts facts(pending.file(), event.tid, root_.mount);
  std::optional<Act> act = (event.mask & FAN_OPEN_EXEC_PERM) != 0
                               ? exec_gate(facts, *content_)
                               : open_gate(facts, *content_, now_ns());
  if (!act) {
    pending.allow();
    return std::nullopt;
  }
  if (act->needs_comparison) {
    return Comparison{std::move(pending), UniqueFd(), std::move(*act), event.tid};
  }
  decide(*act, event.tid, &pending);
  return std::nullopt;
}

std::optional<ContainerGuard::Comparison> ContainerGuard::handle_notification(FanotifyEvent event) {
  if (!event.file.valid()) return std::nullopt;
  KernelEventFacts facts(event.file.get(), event.tid, root_.mount);
  if ((event.mask & FAN_OPEN_EXEC) != 0) {
    std::optional<Act> act = exec_gate(facts, *content_);
    if (act && act->needs_comparison) {
      return Comparison{std::nullopt, std::move(event.file), std::move(*act), event.tid};
    }
    if (act) decide(*act, event.tid, nullptr);
  }
  if ((event.mask & FAN_CLOSE_WRITE) != 0) {
    std::optional<Act> act = change_watch(facts, *content_);
    if (act && !was_reported_at_open(*act)) decide(*act, event.tid, nullptr);
  }
  return std::nullopt;
}

void ContainerGuard::finish(Comparison comparison) {
  ++services_.counters->comparisons;
  const int fd = comparison.pending ? comparison.pending->file() : comparison.file.get();
  const std::optional<Act> act = compare_gate(std::move(comparison.act), fd, *content_);
  PendingPermission* pending = comparison.pending ? &*comparison.pending : nullptr;
  if (act) {
    decide(*act, comparison.tid, pending);
  } else if (pending != nullptr) {
    pending->allow();
  }
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

  std::function<std::shared_ptr<const Workload>(pid_t)> identify;
  AlertRecord record;
  {
    std::lock_guard lock(mutex_);
    record.event.workload = workload_;
    identify = identify_;
  }
  if (identify) record.event.workload = identify(tid);
  record.time = std::chrono::system_clock::now();
  record.event.operation = act.operation;
  record.event.path = act.path;
  // Read now: a blocked process cannot exit or change its name.
  record.process = read_process_tree(thread_group_of(tid).value_or(tid));
  const ProcessFacts& process = record.process.process;
  record.event.process.pid = process.pid;
  if (!process.name.empty()) record.event.process.name = process.name;
  if (!process.executable.empty()) record.event.process.executable = process.executable;
  record.event.process.interactive = process.interactive;

  record.decision = ask_policy(act, record.event);
  if (record.decision.block && pending != nullptr) {
    if (act.created_now && !remove_leftover(pending->file(), act.file, act.path, root_.views)) {
      ++services_.counters->leftovers;
    }
    pending->deny();
    record.outcome = Outcome::blocked;
    ++services_.counters->refused;
  } else {
    if (pending != nullptr) pending->allow();
    if (record.decision.strongest == Action::allow) return;
    record.outcome = Outcome::alerted;
    ++services_.counters->alerted;
    if (act.mechanism == Mechanism::open_gate) remember_open_report(act);
  }
  record.mechanism = act.mechanism;
  record.file = file_facts(act.file);
  record.reason = act.reason;
  services_.report(std::move(record));
}

// An open that was let happen and reported is not reported again when it closes.
void ContainerGuard::remember_open_report(const Act& act) {
  std::lock_guard lock(mutex_);
  if (reported_opens_.size() >= kMostReportedOpens) reported_opens_.erase(reported_opens_.begin());
  reported_opens_.push_back(act.file.stx_ino);
}

bool ContainerGuard::was_reported_at_open(const Act& act) {
  std::lock_guard lock(mutex_);
  const auto found = std::find(reported_opens_.begin(), reported_opens_.end(), act.file.stx_ino);
  if (found == reported_opens_.end()) return false;
  reported_opens_.erase(found);
  return true;
}

}  // namespace holdfast
