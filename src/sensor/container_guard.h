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
#include "holdfast/policy.h"
#include "kernel/fanotify.h"
#include "kernel/pending_permission.h"
#include "sensor/gates.h"
#include "sensor/identity.h"
#include "sensor/kernel_event_facts.h"
#include "sensor/let_run.h"
#include "sensor/memory_file_limit.h"
#include "sensor/places.h"
#include "sensor/running_process.h"
#include "sensor/undecided_execs.h"

namespace holdfast {

// Counted by all guards, shown by `holdfast status`.
struct GateCounters {
  std::atomic<std::uint64_t> events{0};        // read from the kernel
  std::atomic<std::uint64_t> refused{0};       // answered with EPERM by policy
  std::atomic<std::uint64_t> alerted{0};       // acts that were let happen and reported
  std::atomic<std::uint64_t> killed{0};        // processes ended that ran what must not
  std::atomic<std::uint64_t> comparisons{0};   // whole-file comparisons
  std::atomic<std::uint64_t> uncompared{0};    // decided as drift: not compared in time
  std::atomic<std::uint64_t> undecided{0};     // answered by the fail mode
  std::atomic<std::uint64_t> inherited{0};     // read by a worker that died, decided by the next
  std::atomic<std::uint64_t> paused{0};        // times a container's events were left unread
  std::atomic<std::uint64_t> hung_readers{0};  // times a reader was stuck in one event
  std::atomic<std::uint64_t> overflows{0};     // times notifications were lost (alert only)
  std::atomic<std::uint64_t> leftovers{0};     // empty files of refused creations that stayed
  // Openers the kernel denied without an event, by errno; unknown ones count as 0.
  std::array<std::atomic<std::uint64_t>, 134> read_errors{};
};

// The same of one container; a counter that both have is counted in both.
struct ContainerCounters {
  std::atomic<std::uint64_t> events{0}, refused{0}, alerted{0}, killed{0};
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
  // Removes a refused creation's empty file; may give up where a lookup takes too long.
  std::function<bool(const std::string&, std::function<bool()>)> look_up =
      [](const std::string&, const std::function<bool()>& remove) { return remove(); };
  // Who containers are; null: what guards are told is all there is to know.
  IdentitySource* identities = nullptr;
  IdentityRules identity_rules;
};

// Marks what a container mounted. Thread-safe.
class MountScout {
 public:
  virtual ~MountScout() = default;
  // Is everything that this thread's mount namespace shows marked, as far as it can be?
  virtual bool knows(pid_t tid) const = 0;
  // Marks it; comes back soon.
  virtual void look(pid_t tid) = 0;
};

// Tells that the kernel denied openers without an event; `workload`: whose they are, if that is
// known.
AlertRecord denied_by_kernel(std::shared_ptr<const Workload> workload, int code,
                             std::uint64_t count);

class ContainerGuard : public std::enable_shared_from_this<ContainerGuard> {
 public:
  ContainerGuard(
      std::shared_ptr<FanotifyGroup> group, std::shared_ptr<const Places> places, RootMount root,
      std::shared_ptr<const Workload> workload, const GuardServices& services,
      std::shared_ptr<ContainerCounters> counters = std::make_shared<ContainerCounters>());

  FanotifyGroup& group() { return *group_; }
  MemoryFileLimit& memory_files() { return memory_files_; }
  const std::shared_ptr<FanotifyGroup>& shared_group() const { return group_; }
  const RootMount& root() const { return root_; }
  // A guard that takes this one's place goes on with them.
  const std::shared_ptr<ContainerCounters>& counters() const { return counters_; }

  std::shared_ptr<const Places> places() const;
  void set_places(std::shared_ptr<const Places> places);
  // Asked at each exec; outlives no mount of the container.
  void set_scout(std::shared_ptr<MountScout> scout);

  std::shared_ptr<const Workload> workload() const;
  void set_workload(std::shared_ptr<const Workload> workload);
  // Asked for the workload when an act has to be decided and the facts are not complete.
  void set_identify(std::function<std::shared_ptr<const Workload>(pid_t)> identify);

  // What cannot be decided at once: files have to be read, or new mounts marked. The opener waits
  // in `pending`.
  struct Deferred {
    std::optional<PendingPermission> pending;  // none: nobody waits (alert only)
    FanotifyEvent event;                       // when nobody waits
    std::optional<Act> act;                    // none: no act, but the mounts are new
    std::shared_ptr<const Places> places;      // that the act's place is one of
    const Place* place = nullptr;
    pid_t tid = 0;
    bool new_mounts = false;
    bool awaits_identity = false;  // there is nothing else to be done first

    // Whether `undone` can answer for it: what was not read at all cannot be called drift.
    bool has_substitute() const { return !act || !act->code_unread; }
  };

  // A ChangeWatch sees what comes into being in its upper layer.
  void set_layer_watched(bool watched) { layer_watched_ = watched; }

  // Decides and answers one event, or returns what has to be done first. `group`: that it came
  // from, null for the container's own.
  std::optional<Deferred> handle(FanotifyEvent event,
                                 std::shared_ptr<FanotifyGroup> group = nullptr);
  // What a deferred act comes to: the slow part (nothing: the act is none), the part that takes its
  // place when that takes too long (what cannot be compared counts as drift), and the answer.
  std::optional<Act> carry_out(const Deferred& deferred) const;
  std::optional<Act> substitute(const Deferred& deferred) const;
  void conclude(Deferred& deferred, const std::optional<Act>& act);
  // A notified system call (seccomp) that the policy refuses is reported. False: it may happen.
  // Waits for the container's identity if that decides.
  bool refuses(const Act& act, pid_t tid);
  // The opener waits, and facts about the container that decide are not known yet. `then` is called
  // when they are, or were waited for long enough; false: nothing is waited for.
  bool await_identity(const Deferred& deferred, const Act& act, std::function<void()> then);
  // A process of the container runs drift, and may have been let: ends it where the policy blocks.
  void found_running(const Act& act, const std::shared_ptr<const RunningProcess>& process,
                     Found found);
  // Who did something that was seen when it had happened; nothing: a process of the host's. Of one
  // that is gone by then only its number is known.
  struct Actor {
    Identity who;
    ProcessTree process;
  };
  std::optional<Actor> actor(pid_t tid) const;
  // Tells of an act that nobody waits for, if a policy wants it told.
  void changed(const Act& act, Actor actor);
  // Tells that an event was answered by the fail mode, its decision being stuck somewhere.
  void report_undecided(const EventSlot& slot, bool allowed);

 private:
  std::optional<Deferred> handle_permission(FanotifyEvent event,
                                            std::shared_ptr<FanotifyGroup> group);
  std::optional<Deferred> handle_notification(FanotifyEvent event);
  bool is_undecided_exec(EventFacts& facts, pid_t tid);
  bool has_new_mounts(pid_t tid) const;
  void report_lost_events();
  void decide(const Act& act, const Place& place, pid_t tid, PendingPermission* pending);
  bool remove(const Act& act, const Place& place, int fd) const;
  Identity identity(pid_t tid) const;
  bool awaits_identity(const Act& act, Volume volume, pid_t tid, const Identity& who) const;
  // Calls `then` with what is known at the end of a wait. False: nothing is waited for.
  bool when_known(const Identity& who, std::function<void(ContainerGuard&, Identity)> then);
  // False: who the container is decides, and is not known yet.
  bool decide_record(const Act& act, AlertRecord& record, const Identity& who) const;
  void decide_by_now(const Act& act, AlertRecord& record, Identity who) const;
  // An act that has happened and that nobody waits for: now, or when its container is known.
  void tell_of(const Act& act, AlertRecord record, const Identity& who);
  void end_running(const Act& act, const RunningProcess& process, AlertRecord record,
                   const Identity& who);
  void report(AlertRecord record, const Identity& who) const;
  ProcessTree process_of(const Identity& who, pid_t tid) const;
  static Intent intent_of(const Act& act) {
    return act.mechanism == Mechanism::exec_gate || act.mechanism == Mechanism::memfd_gate
               ? Intent::run
               : Intent::write;
  }
  // All but who did it, the decision and the outcome.
  static AlertRecord record_of(const Act& act, const Identity& who);
  void count(std::atomic<std::uint64_t> GateCounters::*total,
             std::atomic<std::uint64_t> ContainerCounters::*own) const {
    (services_.counters->*total).fetch_add(1, std::memory_order_relaxed);
    ((*counters_).*own).fetch_add(1, std::memory_order_relaxed);
  }
  static void name_process(AlertRecord& record, ProcessTree process);
  IdentityVerdict ask_policy(const Act& act, const Event& event, const Identity& who) const;

  std::shared_ptr<FanotifyGroup> group_;
  MemoryFileLimit memory_files_;
  const RootMount root_;
  const GuardServices& services_;
  const std::shared_ptr<ContainerCounters> counters_;
  LetRun let_run_;

  std::atomic<bool> layer_watched_{false};

  mutable std::mutex mutex_;
  std::shared_ptr<const Workload> workload_;
  std::shared_ptr<const Places> places_;
  std::shared_ptr<MountScout> scout_;
  std::function<std::shared_ptr<const Workload>(pid_t)> identify_;
};

}  // namespace holdfast
