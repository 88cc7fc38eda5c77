#include "alert/queued_alert_log.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "alert/alert_message.h"
#include "alert/lost_document.h"
#include "alert/rotating_file.h"

namespace holdfast {
namespace {

constexpr std::size_t kMaxWindows = 4096;
constexpr std::chrono::seconds kReportEvery{1};
constexpr char kQueueFull[] = "more came than the log could be written for";
constexpr char kEnded[] = "the daemon ended before they were written";

// How many acts a document stands for.
std::uint64_t acts_of(const AlertRecord& record) {
  return std::max<std::uint64_t>(1, record.repeats);
}

bool is_process_operation(Operation operation) {
  return operation == Operation::fork || operation == Operation::exec;
}

// The daemon's signals are for its main thread; and a write beyond RLIMIT_FSIZE or to a pipe
// without readers has to be an error, not SIGXFSZ or SIGPIPE. A thread inherits the mask.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

QueuedAlertLog::QueuedAlertLog(AlertSinks sinks, HostFacts host, QueueLimits limits,
                               AlertLedger& ledger)
    : host_(std::move(host)), limits_(limits), coalescer_(limits.coalesce, kMaxWindows) {
  streams_[0].name = "alerts";
  streams_[0].sink = std::move(sinks.alerts);
  streams_[1].name = "file";
  streams_[1].sink = std::move(sinks.file);
  streams_[2].name = "process";
  streams_[2].sink = std::move(sinks.process);
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    streams_[i].ledger = &ledger.streams[i];
    const std::uint64_t unsettled = ledger.streams[i].expected - ledger.streams[i].settled;
    if (unsettled > 0) lose(streams_[i], unsettled, kEnded);
    streams_[i].unreported.repeats = ledger.streams[i].repeats - ledger.streams[i].repeats_settled;
    if (streams_[i].unreported.repeats > 0) streams_[i].cause = kEnded;
  }
  const SignalsBlocked blocked;
  writer_ = std::thread([this] { run(); });
  pthread_setname_np(writer_.native_handle(), "alert-log");
}

QueuedAlertLog::~QueuedAlertLog() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  writer_.join();
}

std::array<bool, 3> QueuedAlertLog::streams_of(const AlertRecord& record) const {
  const bool process = is_process_operation(record.event.operation);
  return {record.decision.alert || record.outcome == Outcome::unprotected,
          record.decision.log && !process, record.decision.log && process};
}

void QueuedAlertLog::expect(AlertRecord& record) noexcept {
  record.expected = true;
  const std::array<bool, 3> to = streams_of(record);
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i]) ++streams_[i].ledger->expected;
  }
}

void QueuedAlertLog::submit(AlertRecord record) noexcept try {
  if (!record.expected) expect(record);
  std::string key = Coalescer::key_of(record);
  const std::array<bool, 3> to = streams_of(record);
  bool wake = false;
  {
    const Lock lock(mutex_);
    const Clock::time_point now = Clock::now();
    if (closed_) {
      ++counters_.lost;
      spdlog::error("lost, the alert log is closed: {}", alert_message(record));
      return;
    }
    for (AlertRecord& summary : coalescer_.close_until(now)) {
      enqueue(std::move(summary));
      wake = true;
    }
    const bool timed = coalescer_.next_close().has_value();
    const bool seen_afterwards = record.seen_afterwards;
    const Coalescer::Absorbed absorbed = coalescer_.absorb(key, record);
    if (absorbed != Coalescer::Absorbed::no) {
      ++counters_.coalesced;
      for (std::size_t i = 0; i < to.size(); ++i) {
        if (!to[i]) continue;
        if (absorbed == Coalescer::Absorbed::repeat) ++streams_[i].ledger->repeats;
        --streams_[i].ledger->expected;
      }
      wake |= !timed;  // the writer has a time to wait for now
    } else {
      const std::uint64_t lost = counters_.lost;
      enqueue(std::move(record));
      // Repeats of a record that is lost must not hide behind it.
      if (counters_.lost == lost) coalescer_.open(std::move(key), seen_afterwards, now);
      wake = true;
    }
  }
  if (wake) work_.notify_one();
} catch (...) {
  // Out of memory: the one thing left to do is to count.
  {
    const Lock lock(mutex_);
    ++counters_.lost;
    ++streams_[0].unreported.documents;
  }
  work_.notify_one();
}

AlertLogCounters QueuedAlertLog::counters() const {
  const Lock lock(mutex_);
  AlertLogCounters counters = counters_;
  for (const Stream& stream : streams_) counters.queued += stream.queue.size();
  return counters;
}

void QueuedAlertLog::enqueue(AlertRecord record) {
  const std::array<bool, 3> to = streams_of(record);
  const auto shared = std::make_shared<const AlertRecord>(std::move(record));
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i]) push(streams_[i], shared);
  }
}

void QueuedAlertLog::push(Stream& stream, const RecordPtr& record) {
  if (stream.queue.size() < limits_.records) {
    stream.queue.push_back(record);
    return;
  }
  // The repeats of a lost summary are lost like documents.
  stream.ledger->repeats_settled += record->repeats;
  stream.ledger->expected += record->repeats;
  lose(stream, acts_of(*record), stream.retry_at ? stream.cause : kQueueFull);
}

void QueuedAlertLog::lose(Stream& stream, std::uint64_t count, const std::string& cause) {
  counters_.lost += count;
  stream.unreported.documents += count;
  if (stream.cause != cause) stream.cause = cause;
}

void QueuedAlertLog::run() {
  Lock lock(mutex_);
  for (;;) {
    const Clock::time_point now = Clock::now();
    // At the end no window is waited for.
    for (AlertRecord& summary :
         coalescer_.close_until(stopping_ ? Clock::time_point::max() : now)) {
      enqueue(std::move(summary));
    }
    if (Stream* stream = next_ready(now)) {
      write_next(*stream, lock);
    } else if (stopping_) {
      closed_ = true;
      return;
    } else if (const auto deadline = next_deadline()) {
      work_.wait_until(lock, *deadline);
    } else {
      work_.wait(lock);
    }
  }
}

bool QueuedAlertLog::report_due(const Stream& stream, Clock::time_point now) const {
  return stream.unreported.any() && (stream.queue.empty() || now >= stream.next_report);
}

QueuedAlertLog::Stream* QueuedAlertLog::next_ready(Clock::time_point now) {
  for (Stream& stream : streams_) {
    const bool has_work = !stream.queue.empty() || stream.unreported.any();
    const bool may_try = stopping_ || !stream.retry_at || *stream.retry_at <= now;
    if (has_work && may_try) return &stream;
  }
  return nullptr;
}

std::optional<QueuedAlertLog::Clock::time_point> QueuedAlertLog::next_deadline() const {
  std::optional<Clock::time_point> deadline = coalescer_.next_close();
  for (const Stream& stream : streams_) {
    if (!stream.retry_at || (stream.queue.empty() && !stream.unreported.any())) continue;
    if (!deadline || *stream.retry_at < *deadline) deadline = stream.retry_at;
  }
  return deadline;
}

// Writes one document of a stream; the lock is released for the formatting and the disk.
void QueuedAlertLog::write_next(Stream& stream, Lock& lock) {
  const Clock::time_point now = Clock::now();
  const Lost lost = report_due(stream, now) ? stream.unreported : Lost{};
  const RecordPtr record = lost.any() ? nullptr : stream.queue.front();
  const std::string cause = stream.cause;
  lock.unlock();
  const std::string line =
      record ? alert_document(*record, host_, stream.name, stream.ledger->sequence + 1)
             : lost_document(lost, cause, host_, stream.name, stream.ledger->sequence + 1);
  const Status written = stream.sink->write_line(line);
  lock.lock();
  if (!written) {
    refused(stream, written.error());
    return;
  }
  ++counters_.written;
  ++stream.ledger->sequence;
  settle(stream, record.get(), lost);
  if (record) {
    stream.queue.pop_front();
  } else {
    stream.unreported.documents -= lost.documents;
    stream.unreported.repeats -= lost.repeats;
    stream.next_report = now + kReportEvery;
  }
  if (stream.retry_at) spdlog::info("alert log {}: can be written again", stream.name);
  stream.retry_at.reset();
}

// What a document that is written has told of.
void QueuedAlertLog::settle(Stream& stream, const AlertRecord* record, const Lost& lost) {
  if (record == nullptr) {
    stream.ledger->settled += lost.documents;
    stream.ledger->repeats_settled += lost.repeats;
  } else if (record->repeats > 0) {
    stream.ledger->repeats_settled += record->repeats;
  } else {
    ++stream.ledger->settled;
  }
}

void QueuedAlertLog::refused(Stream& stream, const Error& error) {
  ++counters_.write_errors;
  const std::string cause = error.message();
  if (!stream.retry_at) {
    spdlog::error("{}; up to {} documents are kept and written when it is possible", cause,
                  limits_.records);
  }
  stream.cause = cause;
  stream.retry_at = Clock::now() + limits_.retry;
  if (!stopping_) return;
  lose(stream, stream.queue.size(), cause);
  stream.queue.clear();
  spdlog::error("{} documents of the {} log are lost at the end: {}", stream.unreported.documents,
                stream.name, cause);
  stream.unreported = {};
}

Result<std::unique_ptr<AlertLog>> AlertLog::open(AlertLogSettings settings, HostFacts host,
                                                 AlertLedger& ledger) {
  AlertSinks sinks;
  const std::array<std::pair<const std::string*, std::unique_ptr<LineSink>*>, 3> files = {{
      {&settings.alerts_path, &sinks.alerts},
      {&settings.file_path, &sinks.file},
      {&settings.process_path, &sinks.process},
  }};
  for (const auto& [path, sink] : files) {
    auto file = RotatingFile::open(*path, settings.rotate_bytes, settings.rotate_keep);
    if (!file) return file.error();
    *sink = std::move(*file);
  }
  return std::unique_ptr<AlertLog>(std::make_unique<QueuedAlertLog>(
      std::move(sinks), std::move(host),
      QueueLimits{.records = settings.queue_limit, .coalesce = settings.coalesce}, ledger));
}

}  // namespace holdfast
