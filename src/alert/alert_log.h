// The sink: a bounded queue, a writer thread, and NDJSON files that are rotated by rename.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "alert/alert_ledger.h"
#include "alert/alert_record.h"
#include "holdfast/result.h"

namespace holdfast {

struct AlertLogSettings {
  std::string alerts_path;                   // documents of the alert action
  std::string file_path;                     // documents of the log action, file operations
  std::string process_path;                  // documents of the log action, process operations
  std::size_t queue_limit = 8192;            // records; more are counted as lost
  std::uint64_t rotate_bytes = 64ull << 20;  // rename to NAME.1 … beyond that
  int rotate_keep = 4;
  std::chrono::milliseconds coalesce = std::chrono::seconds(1);
};

struct AlertLogCounters {
  std::uint64_t written = 0, coalesced = 0, lost = 0, queued = 0, write_errors = 0;
};

// submit() never blocks on the disk and never throws. Repeats of (container, operation, path,
// process executable, outcome) within `coalesce` are counted, not written: the first is written at
// once, and if there were repeats one summary document with `holdfast.repeats` follows when the
// second is over. What was seen afterwards is no repeat of an act that was told of within it: one
// act is seen so several times. Alerts lost because the queue was full or the disk refused become
// one document that says how many, as soon as the log can be written again. A file renamed or
// removed by a log shipper is noticed (inode changed) and created anew. The destructor writes out
// what is queued.
class AlertLog {
 public:
  // What `ledger` has as expected and not settled is reported as lost; it outlives the log.
  static Result<std::unique_ptr<AlertLog>> open(AlertLogSettings settings, HostFacts host,
                                                AlertLedger& ledger);
  virtual ~AlertLog() = default;
  // Before the answer that submit() will tell of: from here on the record is missed if it is lost.
  virtual void expect(AlertRecord& record) noexcept = 0;
  virtual void submit(AlertRecord record) noexcept = 0;
  virtual AlertLogCounters counters() const = 0;
};

}  // namespace holdfast
