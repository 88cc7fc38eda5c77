// One covered container: its fanotify group, what its root holds, who it is, and what becomes of
// its events. From an event to its answer: handle() -> gate -> PolicySet::decide() -> answer.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "alert/alert_log.h"
#include "container/process_origin.h"
#include "container/root_content.h"
#include "holdfast/policy.h"
#include "kernel/fanotify.h"
#include "kernel/pending_permission.h"
#include "sensor/gates.h"
#include "sensor/kernel_event_facts.h"
#include "sensor/undecided_execs.h"

namespace holdfast {

// Counted by all guards, shown by `holdfast status`.
struct GateCounters {
  std::atomic<std::uint64_t> events{0};       // read from the kernel
  std::atomic<std::uint64_t> refused{0};      // answered with EPERM by policy
  std::atomic<std::uint64_t> alerted{0};      // acts that were let happen and reported
  std::atomic<std::uint64_t> comparisons{0};  // whole-file comparisons
  std::atomic<std::uint64_t> uncompared{0};   // decided as drift: not compared in time
  std::atomic<std::uint64_t> undecided{0};    // answered by the fail mode
  std::atomic<std::uint64_t> inherited{0};    // read by a worker that died, decided by the next
  std::atomic<std::uint64_t> paused{0};       // times a container's events were left unread
  std::atomic<std::uint64_t> leftovers{0};    // empty files of refused creations that stayed
  // Openers the kernel denied without an event, by errno; unknown ones count as 0.
  std::array<std::atomic<std::uint64_t>, 134> read_errors{};
};

// What guards need of the daemon; outlives them.
struct GuardServices {
  std::function<std::shared_ptr<const PolicySet>()> policies;
  std::function<void(AlertRecord)> report;
  const ProcessOrigin* origin = nullptr;
  GateCounters* counters = nullptr;
  UndecidedExecs* undecided_execs = nullptr;
  // Called before the answer that `report` will tell of: a record that gets lost in between (the
  // worker dies) is then known to be missing.
  std::function<void(AlertRecord&)> expect = [](AlertRecord&) {};
  FailMode fail_mode = FailMode::allow;
  // Is one of these inodes mapped writable and shared by some process?
  std::function<bool(const std::vector<ino_t>&)> is_mapped;
  // Must come back soon: the acting thread waits. The container's id, the process.
  std::function<ProcessTree(const std::string&, pid_t)> read_process =
      [](const std::string&, pid_t pid) { return read_process_tree(pid, Args::skip); };
};

class ContainerGuard {
 public:
  struct Root {
    RootMount mount;
    std::vector<std::string> views;  // directories that show the root, for removing leftovers
  };

  ContainerGuard(std::shared_ptr<FanotifyGroup> group, std::shared_ptr<RootContent> content,
                 Root root, std::shared_ptr<const Workload> workload,
                 const GuardServices& services);

  FanotifyGroup& group() { return *group_; }
  std::shared_ptr<RootContent> shared_content() const { return content_; }
  const Root& root() const { return root_; }

  std::shared_ptr<const Workload> workload() const;
  void set_workload(std::shared_ptr<const Workload> workload);
  // Asked for the workload when an act has to be decided and the facts are not complete.
  void set_identify(std::function<std::shared_ptr<const Workload>(pid_t)> identify);

  // An act whose decision needs both files read whole; the opener waits in `pending`.
  struct Comparison {
    std::optional<PendingPermission> pending;  // none: nobody waits (alert only)
    FanotifyEvent event;                       // when nobody waits
    Act act;
    pid_t tid = 0;
  };

  // A ChangeWatch sees what comes into being in its upper layer.
  void set_layer_watched(bool watched) { layer_watched_ = watched; }

  // Decides and answers one event, or returns what has to be read first.
  std::optional<Comparison> handle(FanotifyEvent event);
  // What a comparison leads to: the slow part (nothing: it is image content), the part that takes
  // its place when that takes too long (what cannot be compared counts as drift), and the answer.
  std::optional<Act> compare(const Comparison& comparison) const;
  Act uncompared(const Comparison& comparison) const;
  void conclude(Comparison& comparison, const std::optional<Act>& act);
  // Who did something that was seen when it had happened; nothing: a process of the host's. Of one
  // that is gone by then only its number is known.
  struct Actor {
    std::shared_ptr<const Workload> workload;
    ProcessTree process;
  };
  std::optional<Actor> actor(pid_t tid) const;
  // Tells of an act that nobody waits for, if a policy wants it told.
  void changed(const Act& act, Actor actor);
  // Tells that an event was answered by the fail mode, its decision being stuck somewhere.
  void report_undecided(const EventSlot& slot, bool allowed);
  // Tells that the kernel denied openers without an event.
  void report_denied_by_kernel(int code, std::uint64_t count);

 private:
  std::optional<Comparison> handle_permission(FanotifyEvent event);
  std::optional<Comparison> handle_notification(FanotifyEvent event);
  bool is_undecided_exec(EventFacts& facts, pid_t tid);
  void decide(const Act& act, pid_t tid, PendingPermission* pending);
  Actor actor_in_container(pid_t tid) const;
  AlertRecord record_of(const Act& act, Actor actor) const;  // all but the outcome
  Decision ask_policy(const Act& act, const Event& event) const;

  std::shared_ptr<FanotifyGroup> group_;
  std::shared_ptr<RootContent> content_;
  const Root root_;
  const GuardServices& services_;

  std::atomic<bool> layer_watched_{false};

  mutable std::mutex mutex_;
  std::shared_ptr<const Workload> workload_;
  std::function<std::shared_ptr<const Workload>(pid_t)> identify_;
};

}  // namespace holdfast
