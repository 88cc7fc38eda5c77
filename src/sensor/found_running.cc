// What a guard does about a process that was found to run drift.
#include <signal.h>

#include "sensor/container_guard.h"

namespace holdfast {

void ContainerGuard::found_running(const Act& act, const RunningProcess& process, Found found) {
  const pid_t pid = process.pid();
  const bool is_news = found.at_exec ? let_run_.seen_by_watch(pid, act.file, found.time_ns)
                                     : let_run_.found_later(pid, act.file, found.time_ns);
  if (!is_news) return;
  AlertRecord record = record_of(act, pid);
  // No condition on an executable asks about its process: nothing is read before it is stopped.
  record.decision = ask_policy(act, record.event);
  if (record.decision.strongest == Action::allow) return;
  const bool end = record.decision.block && process.still_runs(act.file);
  // It does nothing more while /proc is asked, which has nothing of a dead process.
  if (end) (void)process.signal(SIGSTOP).ok();
  name_process(record, services_.read_process(
                           record.event.workload ? record.event.workload->container.id : "", pid));
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
