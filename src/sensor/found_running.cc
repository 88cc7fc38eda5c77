// What a guard does about a process that was found to run drift.
#include <signal.h>

#include "sensor/container_guard.h"

namespace holdfast {

void ContainerGuard::found_running(const Act& act,
                                   const std::shared_ptr<const RunningProcess>& process,
                                   Found found) {
  const pid_t pid = process->pid();
  if (!let_run_.seen_by_watch(pid, act.file, found)) return;
  const Identity who = identity(pid);
  AlertRecord record = record_of(act, who);
  // No condition on an executable asks about its process: nothing is read before it is stopped.
  if (!decide_record(act, record, who)) {
    AlertRecord early = record;
    name_process(early, process_of(who, pid));  // it may be gone by then
    const bool waits =
        when_known(who, [act, process, early](ContainerGuard& guard, const Identity& now) {
          AlertRecord complete = early;
          complete.event.workload = now.workload;
          guard.decide_by_now(act, complete, now);
          guard.end_running(act, *process, std::move(complete), now);
        });
    if (waits) return;
    decide_by_now(act, record, who);
  }
  end_running(act, *process, std::move(record), who);
}

void ContainerGuard::end_running(const Act& act, const RunningProcess& process, AlertRecord record,
                                 const Identity& who) {
  if (record.decision.strongest == Action::allow) return;
  const pid_t pid = process.pid();
  const bool end = record.decision.block && process.still_runs(act.file);
  // It does nothing more while /proc is asked, which has nothing of a dead process.
  if (end) (void)process.signal(SIGSTOP).ok();
  if (record.process.process.pid == 0) name_process(record, process_of(who, pid));
  services_.expect(record);
  record.outcome = Outcome::alerted;
  if (record.decision.block) {
    const Status killed = end ? process.signal(SIGKILL) : Error{ESRCH, "", ""};
    if (killed) {
      record.outcome = Outcome::killed;
      let_run_.forget(pid, act.file);
    } else {
      record.reason += killed.error().code == ESRCH
                           ? "; it had ended, or ran something else, before it could be killed"
                           : "; it could not be killed: " + killed.error().message();
    }
  }
  if (record.outcome == Outcome::killed) {
    count(&GateCounters::killed, &ContainerCounters::killed);
  } else {
    count(&GateCounters::alerted, &ContainerCounters::alerted);
  }
  report(std::move(record), who);
}

}  // namespace holdfast
