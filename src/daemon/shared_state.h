// What outlives a worker, in a file of RUN_DIR that keeper and worker map: the events that were
// read and not answered, the descriptors both have open, the counters, the ledger of alerts. The
// file outlives the keeper too: the next one learns from it what the last one left behind.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "alert/alert_ledger.h"
#include "holdfast/result.h"
#include "kernel/descriptor_table.h"
#include "kernel/event_table.h"
#include "kernel/notification_table.h"
#include "sensor/container_guard.h"
#include "sensor/undecided_execs.h"

namespace holdfast {

struct SharedState {
  std::uint64_t layout;  // of another version's file: it is not understood, and starts empty

  AlertLedger ledger;
  // The rest starts empty with each keeper.
  EventTable events;
  DescriptorTable descriptors;
  NotificationTable notifications;
  GateCounters counters;
  UndecidedExecs undecided_execs;
  std::atomic<std::uint32_t> ready;           // this worker serves all containers
  std::atomic<std::uint64_t> worker_starts;   // of this keeper
  std::atomic<std::uint64_t> workers_killed;  // by the keeper: events had aged
  // Opens answered without a decision while no worker could be had, not told of yet.
  std::atomic<std::uint64_t> undecided_untold;

  // All but the ledger.
  void clear();
};

struct UnmapSharedState {
  void operator()(SharedState* state) const;
};
using SharedStatePtr = std::unique_ptr<SharedState, UnmapSharedState>;

// Maps the file, made if it is not there. The content of an earlier keeper is left as it is.
Result<SharedStatePtr> map_shared_state(const std::string& path);

}  // namespace holdfast
