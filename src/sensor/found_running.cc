// What a guard does about a process that was found to run drift.
#include <signal.h>

#include "sensor/container_guard.h"

namespace holdfast {

void ContainerGuard::found_running(const Act& act, const RunningProcess& process, Found found) {
  const pid_t pid = process.pid();
  if (!let_run_.seen_by_watch(pid, act.file, found)) return;
  AlertRecord record = record_of(act, workload_for(pid));
  // No condition on an executable asks about its process: nothing is read before it is stopped.
  record.decision = ask_policy(act, record.event);
  if (record.decision.strongest == Action::allow) return;
  const bool end = record.decision.block && process.still_runs(act.file);
  // It does nothing more while /proc is asked, which has nothing of a dead process.
  if (end) (void)process.signal(SIGSTOP).ok();
  name_process(record, process_of(record.event.workload.get(), pid));
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
  ++(record.outcome == Outcome::killed ? services_.counters->killed : services_.counters->alerted);
  services_.report(std::move(record));
}

}  // namespace holdfast
