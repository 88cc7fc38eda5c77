#include "alert/coalescer.h"

#include "alert_samples.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

class CoalescerTest : public testing::Test {
 protected:
  // Written on its own?
  bool offer(const AlertRecord& record, int at) {
    AlertRecord copy = record;
    const std::string key = Coalescer::key_of(copy);
    if (coalescer_.absorb(key, copy) != Coalescer::Absorbed::no) return false;
    coalescer_.open(key, record.seen_afterwards, time(at));
    return true;
  }
  static Coalescer::Time time(int at) { return Coalescer::Time(milliseconds(at)); }

  Coalescer coalescer_{milliseconds(1000), 3};
};

TEST_F(CoalescerTest, RepeatsBecomeOneSummary) {
  AlertRecord record = sample_record();
  EXPECT_TRUE(offer(record, 0));
  EXPECT_FALSE(coalescer_.next_close());
  EXPECT_FALSE(offer(record, 10));
  record.process.process.pid = 99;
  EXPECT_FALSE(offer(record, 20));
  EXPECT_EQ(coalescer_.next_close(), time(1000));
  EXPECT_TRUE(coalescer_.close_until(time(999)).empty());
  const auto summaries = coalescer_.close_until(time(1000));
  ASSERT_EQ(summaries.size(), 1U);
  EXPECT_EQ(summaries[0].repeats, 2U);
  EXPECT_EQ(summaries[0].process.process.pid, 99);  // the last of them
  EXPECT_FALSE(coalescer_.next_close());
  EXPECT_TRUE(offer(record, 1001));
}

TEST_F(CoalescerTest, OneActSeenInSeveralWaysIsOne) {
  AlertRecord gate = sample_record();
  AlertRecord seen = gate;
  seen.mechanism = Mechanism::change_watch;
  seen.seen_afterwards = true;
  EXPECT_TRUE(offer(gate, 0));
  EXPECT_FALSE(offer(seen, 10));
  EXPECT_FALSE(offer(seen, 20)) << "its mode, then its times";
  EXPECT_TRUE(coalescer_.close_until(time(1000)).empty());

  EXPECT_TRUE(offer(seen, 2000)) << "the other way round";
  EXPECT_FALSE(offer(gate, 2010));
  EXPECT_TRUE(coalescer_.close_until(time(3000)).empty());

  EXPECT_TRUE(offer(seen, 4000));
  EXPECT_FALSE(offer(gate, 4010));
  EXPECT_FALSE(offer(gate, 4020)) << "this one is a repeat";
  const auto summaries = coalescer_.close_until(time(5000));
  ASSERT_EQ(summaries.size(), 1U);
  EXPECT_EQ(summaries[0].repeats, 1U);
}

TEST_F(CoalescerTest, WhatAnEndedProcessDidIsTheActThatIsKnown) {
  AlertRecord gate = sample_record();
  AlertRecord seen = gate;
  seen.seen_afterwards = true;
  seen.process.process.executable.clear();
  seen.event.process.executable.reset();
  EXPECT_TRUE(offer(gate, 0));
  EXPECT_FALSE(offer(seen, 10));
  seen.event.path = "/another";
  EXPECT_TRUE(offer(seen, 20));
  EXPECT_TRUE(coalescer_.close_until(time(2000)).empty());
  seen.event.path = gate.event.path;
  EXPECT_TRUE(offer(seen, 2000)) << "the window is closed";
}

TEST_F(CoalescerTest, AGateMayTellOfAnEndedProcessAsWell) {
  AlertRecord seen = sample_record();
  AlertRecord gate = seen;
  seen.seen_afterwards = true;
  gate.process.process.executable.clear();
  gate.event.process.executable.reset();
  EXPECT_TRUE(offer(seen, 0));
  EXPECT_FALSE(offer(gate, 10)) << "closed by its exit";
  EXPECT_TRUE(offer(gate, 20)) << "by another";
}

TEST_F(CoalescerTest, WhatWasToldOfAsNobodysIsTheSameActWhenItsProcessIsKnown) {
  AlertRecord known = sample_record();
  AlertRecord nobodys = known;
  nobodys.seen_afterwards = true;
  nobodys.process.process.executable.clear();
  nobodys.event.process.executable.reset();
  known.mechanism = Mechanism::exec_gate;
  EXPECT_TRUE(offer(nobodys, 0));
  EXPECT_TRUE(offer(known, 10)) << "a run of it is another act";
  known.process.process.executable = "/bin/another";
  known.mechanism = Mechanism::change_watch;
  EXPECT_FALSE(offer(known, 15)) << "the close of it";
  EXPECT_TRUE(offer(known, 20)) << "another act";
  EXPECT_TRUE(coalescer_.close_until(time(2000)).empty());
  EXPECT_TRUE(offer(nobodys, 2000));
  known.seen_afterwards = true;
  EXPECT_FALSE(offer(known, 2010)) << "another change of it";
}

TEST_F(CoalescerTest, NoRepeatsNoSummary) {
  EXPECT_TRUE(offer(sample_record(), 0));
  EXPECT_TRUE(coalescer_.close_until(time(5000)).empty());
  EXPECT_TRUE(offer(sample_record(), 5000));
}

TEST_F(CoalescerTest, WhatMakesActsDifferent) {
  const AlertRecord record = sample_record();
  const std::string key = Coalescer::key_of(record);
  AlertRecord other = record;
  other.event.path = "/tmp/y";
  EXPECT_NE(Coalescer::key_of(other), key);
  other = record;
  other.event.operation = Operation::modify_executable;
  EXPECT_NE(Coalescer::key_of(other), key);
  other = record;
  other.outcome = Outcome::alerted;
  EXPECT_NE(Coalescer::key_of(other), key);
  other = record;
  other.process.process.executable = "/bin/mv";
  EXPECT_NE(Coalescer::key_of(other), key);
  other = record;
  other.decision.alert = false;
  EXPECT_NE(Coalescer::key_of(other), key);
  other = record;
  other.event.workload = std::make_shared<Workload>(Workload{.container = {.id = "other"}});
  EXPECT_NE(Coalescer::key_of(other), key);
  // Not what makes them different.
  other = record;
  other.process.process.pid = 1;
  other.time += milliseconds(3);
  EXPECT_EQ(Coalescer::key_of(other), key);
  other.process = {};
  other.event.process.executable = record.process.process.executable;
  EXPECT_EQ(Coalescer::key_of(other), key);
}

TEST_F(CoalescerTest, MemoryIsBounded) {
  AlertRecord record = sample_record();
  for (int i = 0; i < 10; ++i) {
    record.event.path = "/tmp/" + std::to_string(i);
    EXPECT_TRUE(offer(record, i));
  }
  EXPECT_TRUE(offer(record, 10));  // no window was left for it
  record.event.path = "/tmp/2";
  EXPECT_FALSE(offer(record, 11));
}

TEST(CoalescerOff, EveryActIsWritten) {
  Coalescer coalescer(milliseconds(0), 10);
  AlertRecord record = sample_record();
  coalescer.open(Coalescer::key_of(record), false, {});
  EXPECT_EQ(coalescer.absorb(Coalescer::key_of(record), record), Coalescer::Absorbed::no);
}

}  // namespace
}  // namespace holdfast
