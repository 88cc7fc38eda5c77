#include "alert/alert_log.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "alert/queued_alert_log.h"
#include "alert_samples.h"

namespace holdfast {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A sink that fails, or stands still, on purpose.
struct Disk {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<json> documents;
  int error = 0;       // errno of every write
  bool stuck = false;  // writes do not return
  int attempts = 0;

  void set_error(int code) {
    const std::lock_guard lock(mutex);
    error = code;
  }
  void set_stuck(bool value) {
    const std::lock_guard lock(mutex);
    stuck = value;
    changed.notify_all();
  }
  std::vector<json> written() {
    const std::lock_guard lock(mutex);
    return documents;
  }
  template <typename Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), condition);
  }
  bool wait_attempts(int count) {
    return wait([&] { return attempts >= count; });
  }
  bool wait_documents(std::size_t count) {
    return wait([&] { return documents.size() >= count; });
  }
};

class FakeSink : public LineSink {
 public:
  explicit FakeSink(Disk& disk) : disk_(disk) {}
  Status write_line(std::string_view line) override {
    std::unique_lock lock(disk_.mutex);
    ++disk_.attempts;
    disk_.changed.notify_all();
    disk_.changed.wait(lock, [&] { return !disk_.stuck; });
    if (disk_.error != 0) return Error{disk_.error, "write alert log /fake", "make room"};
    disk_.documents.push_back(json::parse(line));
    disk_.changed.notify_all();
    return {};
  }

 private:
  Disk& disk_;
};

class AlertLogTest : public testing::Test {
 protected:
  void start(QueueLimits limits = {
                 .records = 4, .coalesce = milliseconds(0), .retry = milliseconds(5)}) {
    AlertSinks sinks{std::make_unique<FakeSink>(alerts_), std::make_unique<FakeSink>(file_),
                     std::make_unique<FakeSink>(process_)};
    log_ = std::make_unique<QueuedAlertLog>(std::move(sinks), sample_host(), limits, ledger_);
  }
  static AlertRecord record(int number) {
    AlertRecord record = sample_record();
    record.event.path = "/tmp/" + std::to_string(number);
    return record;
  }
  static std::vector<std::string> paths(const std::vector<json>& documents) {
    std::vector<std::string> paths;
    for (const json& document : documents) {
      paths.push_back(document.contains("file") ? std::string(document["file"]["path"])
                                                : document["message"].get<std::string>());
    }
    return paths;
  }

  Disk alerts_, file_, process_;
  AlertLedger ledger_{};
  std::unique_ptr<QueuedAlertLog> log_;
};

TEST_F(AlertLogTest, WritesAtOnceAndInOrder) {
  start();
  log_->submit(record(1));
  ASSERT_TRUE(alerts_.wait_documents(1));
  log_->submit(record(2));
  ASSERT_TRUE(alerts_.wait_documents(2));
  EXPECT_EQ(paths(alerts_.written()), (std::vector<std::string>{"/tmp/1", "/tmp/2"}));
  EXPECT_EQ(alerts_.written()[0]["event"]["sequence"], 1);
  EXPECT_EQ(alerts_.written()[1]["event"]["sequence"], 2);
}

TEST_F(AlertLogTest, DestructorWritesWhatIsQueued) {
  start({.records = 1000, .coalesce = milliseconds(0)});
  for (int i = 0; i < 500; ++i) log_->submit(record(i));
  log_.reset();
  EXPECT_EQ(alerts_.documents.size(), 500U);
}

TEST_F(AlertLogTest, Streams) {
  start();
  AlertRecord both = record(1);
  both.decision.log = true;
  log_->submit(both);
  AlertRecord logged = record(2);
  logged.decision = {.strongest = Action::log, .log = true};
  logged.event.operation = Operation::exec;
  log_->submit(logged);
  AlertRecord unprotected = record(3);
  unprotected.decision = {};
  unprotected.outcome = Outcome::unprotected;
  log_->submit(unprotected);
  AlertRecord neither = record(4);
  neither.decision = {};
  neither.outcome = Outcome::alerted;
  log_->submit(neither);
  log_.reset();
  EXPECT_EQ(paths(alerts_.documents), (std::vector<std::string>{"/tmp/1", "/tmp/3"}));
  EXPECT_EQ(paths(file_.documents), std::vector<std::string>{"/tmp/1"});
  EXPECT_EQ(paths(process_.documents), std::vector<std::string>{"/tmp/2"});
  EXPECT_EQ(alerts_.documents[0]["event"]["kind"], "alert");
  EXPECT_EQ(file_.documents[0]["event"]["kind"], "event");
  EXPECT_NE(file_.documents[0]["event"]["id"], alerts_.documents[0]["event"]["id"]);
}

TEST_F(AlertLogTest, RepeatsAreCountedInASummary) {
  start({.records = 4, .coalesce = milliseconds(200)});
  for (int i = 0; i < 50; ++i) log_->submit(record(1));
  ASSERT_TRUE(alerts_.wait_documents(2));
  const auto documents = alerts_.written();
  EXPECT_FALSE(documents[0]["holdfast"].contains("repeats"));
  // A slow machine may need more than one window.
  log_.reset();
  std::uint64_t acts = 0;
  for (const json& document : alerts_.documents) {
    acts += document["holdfast"].value("repeats", std::uint64_t{1});
  }
  EXPECT_EQ(acts, 50U);
  EXPECT_LT(alerts_.documents.size(), 20U);
}

TEST_F(AlertLogTest, OpenWindowsAreSummedUpAtTheEnd) {
  start({.records = 4, .coalesce = std::chrono::hours(1)});
  for (int i = 0; i < 3; ++i) log_->submit(record(1));
  EXPECT_EQ(log_->counters().coalesced, 2U);
  log_.reset();
  ASSERT_EQ(alerts_.documents.size(), 2U);
  EXPECT_EQ(alerts_.documents[1]["holdfast"]["repeats"], 2);
}

TEST_F(AlertLogTest, SlowDiskDoesNotStopSubmitAndLossIsTold) {
  start();
  alerts_.set_stuck(true);
  log_->submit(record(0));
  ASSERT_TRUE(alerts_.wait_attempts(1));
  const auto before = steady_clock::now();
  for (int i = 1; i < 10; ++i) log_->submit(record(i));
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(5));
  EXPECT_EQ(log_->counters().queued, 4U);  // the one being written is one of them
  EXPECT_EQ(log_->counters().lost, 6U);
  alerts_.set_stuck(false);
  // One document tells of all: at the first chance, then after what was queued.
  ASSERT_TRUE(alerts_.wait([&] {
    return std::any_of(alerts_.documents.begin(), alerts_.documents.end(),
                       [](const json& document) { return document["holdfast"].contains("lost"); });
  }));
  log_.reset();
  std::vector<json> lost, rest;
  for (const json& document : alerts_.documents) {
    (document["holdfast"].contains("lost") ? lost : rest).push_back(document);
  }
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0]["holdfast"]["lost"], 6);
  EXPECT_EQ(paths(rest), (std::vector<std::string>{"/tmp/0", "/tmp/1", "/tmp/2", "/tmp/3"}));
}

TEST_F(AlertLogTest, FullDiskKeepsThenLosesThenTells) {
  start();
  alerts_.set_error(ENOSPC);
  for (int i = 0; i < 7; ++i) log_->submit(record(i));
  ASSERT_TRUE(alerts_.wait_attempts(3));  // tried again by itself
  const AlertLogCounters full = log_->counters();
  EXPECT_EQ(full.written, 0U);
  EXPECT_EQ(full.queued, 4U);
  EXPECT_EQ(full.lost, 3U);
  EXPECT_GE(full.write_errors, 2U);
  alerts_.set_error(0);
  ASSERT_TRUE(alerts_.wait_documents(5));
  log_->submit(record(9));
  log_.reset();
  std::vector<std::string> written;
  for (const json& document : alerts_.documents) {
    if (document["holdfast"].contains("lost")) {
      EXPECT_EQ(document["holdfast"]["lost"], 3);
    } else {
      written.push_back(document["file"]["path"]);
    }
  }
  EXPECT_EQ(written, (std::vector<std::string>{"/tmp/0", "/tmp/1", "/tmp/2", "/tmp/3", "/tmp/9"}));
  for (std::size_t i = 0; i < alerts_.documents.size(); ++i) {
    EXPECT_EQ(alerts_.documents[i]["event"]["sequence"], i + 1);  // refused writes leave no gap
  }
}

TEST_F(AlertLogTest, OneStreamsTroubleIsItsOwn) {
  start();
  file_.set_error(ENOSPC);
  for (int i = 0; i < 3; ++i) {
    AlertRecord both = record(i);
    both.decision.log = true;
    log_->submit(both);
  }
  EXPECT_TRUE(alerts_.wait_documents(3));
  EXPECT_EQ(log_->counters().lost, 0U);
  file_.set_error(0);
  EXPECT_TRUE(file_.wait_documents(3));
}

TEST_F(AlertLogTest, DestructorDoesNotWaitForAFullDisk) {
  start();
  alerts_.set_error(ENOSPC);
  for (int i = 0; i < 3; ++i) log_->submit(record(i));
  testing::internal::CaptureStdout();
  const auto before = steady_clock::now();
  log_.reset();
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(5));
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_NE(said.find("3 documents of the alerts log are lost at the end"), std::string::npos)
      << said;
}

// Those that come while the destructor waits for the disk are written too.
TEST_F(AlertLogTest, SubmittedDuringDestruction) {
  start({.records = 100, .coalesce = milliseconds(0)});
  alerts_.set_stuck(true);
  log_->submit(record(0));
  ASSERT_TRUE(alerts_.wait_attempts(1));
  QueuedAlertLog* log = log_.get();
  std::thread ending([this] { log_.reset(); });
  std::this_thread::sleep_for(milliseconds(20));
  for (int i = 1; i <= 5; ++i) log->submit(record(i));  // the writer still holds the end up
  alerts_.set_stuck(false);
  ending.join();
  EXPECT_EQ(alerts_.documents.size(), 6U);
}

TEST_F(AlertLogTest, ManySubmitters) {
  start({.records = 100'000, .coalesce = milliseconds(0)});
  constexpr int kThreads = 4, kEach = 250;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        log_->submit(record(t * kEach + i));
        if (i % 50 == 0) static_cast<void>(log_->counters());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  log_.reset();
  const auto seen = paths(alerts_.documents);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), std::size_t{kThreads * kEach});
  EXPECT_EQ(seen.size(), std::size_t{kThreads * kEach});
}

// Times the writer thread gave up the processor by itself.
int writer_wakeups() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (text_of(task.path() / "comm") != "alert-log\n") continue;
    const std::string status = text_of(task.path() / "status");
    const std::string key = "\nvoluntary_ctxt_switches:\t";
    return std::stoi(status.substr(status.find(key) + key.size()));
  }
  return -1;
}

TEST_F(AlertLogTest, SleepsWhenIdle) {
  start({.records = 4, .coalesce = milliseconds(10), .retry = milliseconds(5)});
  log_->submit(record(1));
  ASSERT_TRUE(alerts_.wait_documents(1));
  std::this_thread::sleep_for(milliseconds(100));  // under a sanitizer, too
  const int before = writer_wakeups();
  ASSERT_GT(before, 0);
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(writer_wakeups(), before);
}

class AlertFiles : public testing::Test {
 protected:
  AlertLogSettings settings() const {
    AlertLogSettings settings;
    settings.alerts_path = directory_ / "alerts.ndjson";
    settings.file_path = directory_ / "file.ndjson";
    settings.process_path = directory_ / "process.ndjson";
    settings.coalesce = milliseconds(0);
    return settings;
  }
  const TemporaryDirectory directory_;
  AlertLedger ledger_{};
};

TEST_F(AlertFiles, WritesDocumentsToFiles) {
  auto log = AlertLog::open(settings(), sample_host(), ledger_);
  ASSERT_TRUE(log) << log.error().message();
  (*log)->submit(sample_record());
  log->reset();
  const auto lines = lines_of(directory_ / "alerts.ndjson");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(json::parse(lines[0])["file"]["path"], "/tmp/x.sh");
  EXPECT_EQ(text_of(directory_ / "file.ndjson"), "");
}

TEST_F(AlertFiles, RotationLosesNothing) {
  AlertLogSettings small = settings();
  small.rotate_bytes = 20'000;
  small.rotate_keep = 100;
  auto log = AlertLog::open(small, sample_host(), ledger_);
  ASSERT_TRUE(log) << log.error().message();
  for (int i = 0; i < 200; ++i) (*log)->submit(sample_record());
  log->reset();
  std::size_t lines = 0, files = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory_ / "")) {
    if (!file.path().filename().string().starts_with("alerts")) continue;
    ++files;
    EXPECT_LE(file.file_size(), 20'000U);
    for (const std::string& line : lines_of(file.path())) {
      EXPECT_TRUE(json::accept(line));
      ++lines;
    }
  }
  EXPECT_EQ(lines, 200U);
  EXPECT_GT(files, 10U);
}

TEST_F(AlertFiles, UnwritablePlaceIsAnError) {
  AlertLogSettings bad = settings();
  bad.process_path = directory_ / "no/process.ndjson";
  const auto log = AlertLog::open(bad, sample_host(), ledger_);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message().find(bad.process_path), std::string::npos);
}

TEST_F(AlertFiles, FullDeviceCountsAsLostInTheEnd) {
  AlertLogSettings full = settings();
  full.alerts_path = "/dev/full";
  full.queue_limit = 2;
  auto log = AlertLog::open(full, sample_host(), ledger_);
  ASSERT_TRUE(log) << log.error().message();
  for (int i = 0; i < 5; ++i) (*log)->submit(sample_record());
  EXPECT_EQ((*log)->counters().lost, 3U);
  EXPECT_EQ((*log)->counters().queued, 2U);
  log->reset();
}

}  // namespace
}  // namespace holdfast
