// When the keeper replaces its worker, and how fast. Pure.
#pragma once

#include <algorithm>
#include <chrono>

namespace holdfast {

struct KeeperSettings {
  std::chrono::milliseconds heartbeat{2000};        // events may be left unread that long
  std::chrono::milliseconds answer_deadline{2000};  // the worker's own, for each event
  std::chrono::milliseconds worker_start{5000};     // to be ready, or to get further
  std::chrono::milliseconds stop{1500};             // to answer what was read, at the end
  bool allow_undecided = true;                      // fail mode
};

// Ages since the worker was ready at the most: what waited for it is not held against it.
struct WorkerHealth {
  bool ready = false;
  std::chrono::milliseconds no_progress{0};     // of the start
  std::chrono::milliseconds oldest_waiting{0};  // read, not answered
  std::chrono::milliseconds oldest_unread{0};   // in a group of which nothing was read meanwhile
};

// Why the worker has to go; null: it is well.
constexpr const char* worker_fault(const WorkerHealth& health, const KeeperSettings& settings) {
  // Its own deadline thread is given a quarter more than the deadline.
  if (!health.ready) {
    return health.no_progress > settings.worker_start ? "it does not get ready" : nullptr;
  }
  if (health.oldest_waiting > settings.answer_deadline + settings.answer_deadline / 4) {
    return "an event passed its deadline";
  }
  return health.oldest_unread >= settings.heartbeat ? "it reads no events" : nullptr;
}

// How long to wait before a new worker is started. `failed`: workers in a row that died before they
// were ready; `recent`: deaths within the last ten seconds.
constexpr std::chrono::milliseconds restart_delay(unsigned failed, unsigned recent) {
  using std::chrono::milliseconds;
  constexpr unsigned kManyDeaths = 100;  // more than one in 100 ms
  if (failed > 0)
    return std::min(milliseconds(50) * (1U << std::min(failed - 1, 6U)), milliseconds(2000));
  return recent > kManyDeaths ? milliseconds(100) : milliseconds(0);
}

// After so many failures in a row nobody waits for a worker any more: the fail mode answers.
constexpr unsigned kFailuresUntilFailMode = 3;

}  // namespace holdfast
