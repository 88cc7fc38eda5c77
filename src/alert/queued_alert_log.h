// The AlertLog: one bounded queue a stream, one writer thread for all.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "alert/alert_log.h"
#include "alert/coalescer.h"
#include "alert/line_sink.h"
#include "alert/lost_document.h"

namespace holdfast {

struct AlertSinks {
  std::unique_ptr<LineSink> alerts, file, process;  // none is null
};

struct QueueLimits {
  std::size_t records = 8192;  // a stream
  std::chrono::milliseconds coalesce = std::chrono::seconds(1);
  std::chrono::milliseconds retry = std::chrono::milliseconds(500);  // after a refused write
};

class QueuedAlertLog final : public AlertLog {
 public:
  QueuedAlertLog(AlertSinks sinks, HostFacts host, QueueLimits limits, AlertLedger& ledger);
  // Writes what is queued, records that arrive meanwhile included. A sink that still refuses is
  // tried once; what it does not take is counted as lost and told to the daemon's own log.
  ~QueuedAlertLog() override;

  void expect(AlertRecord& record) noexcept override;
  void submit(AlertRecord record) noexcept override;
  AlertLogCounters counters() const override;

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;
  using RecordPtr = std::shared_ptr<const AlertRecord>;

  struct Stream {
    std::string_view name;
    std::unique_ptr<LineSink> sink;
    std::deque<RecordPtr> queue;                // the front one stays until it is written
    Lost unreported;                            // not told by a document yet
    AlertLedger::Stream* ledger = nullptr;      // its sequence: a refused document leaves no gap
    std::string cause;                          // why the last ones were lost
    std::optional<Clock::time_point> retry_at;  // set while the sink refuses
    Clock::time_point next_report{};            // a steady flood is told once a second
  };

  std::array<bool, 3> streams_of(const AlertRecord& record) const;
  void enqueue(AlertRecord record);
  void push(Stream& stream, const RecordPtr& record);
  void lose(Stream& stream, std::uint64_t count, const std::string& cause);
  void run();
  Stream* next_ready(Clock::time_point now);
  std::optional<Clock::time_point> next_deadline() const;
  bool report_due(const Stream& stream, Clock::time_point now) const;
  void write_next(Stream& stream, Lock& lock);
  static void settle(Stream& stream, const AlertRecord* record, const Lost& lost);
  void refused(Stream& stream, const Error& error);

  const HostFacts host_;
  const QueueLimits limits_;
  mutable std::mutex mutex_;  // guards all below but the sinks, which are the writer's
  std::condition_variable work_;
  std::array<Stream, 3> streams_;  // alerts, file, process
  Coalescer coalescer_;
  AlertLogCounters counters_;
  bool stopping_ = false;
  bool closed_ = false;  // the writer has ended
  std::thread writer_;
};

}  // namespace holdfast
