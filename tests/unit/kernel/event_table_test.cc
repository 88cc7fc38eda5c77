#include "kernel/event_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

class EventTableTest : public testing::Test {
 protected:
  EventClaim read_event(std::uint32_t group = 3) {
    EventClaim claim = table_->take(group);
    claim.slot()->event.vers = FANOTIFY_METADATA_VERSION;
    claim.slot()->event.fd = 7;
    claim.arrived();
    return claim;
  }
  std::unique_ptr<EventTable> table_ = std::make_unique<EventTable>();
};

TEST_F(EventTableTest, AClaimGivesItsSlotBack) {
  {
    const EventClaim claim = read_event();
    EXPECT_EQ(table_->used(), 1U);
    EXPECT_EQ(claim.slot()->group, 3U);
    EXPECT_EQ(claim.slot()->state, EventSlot::waiting);
  }
  EXPECT_EQ(table_->used(), 0U);
}

TEST_F(EventTableTest, AFullTableGivesNoClaim) {
  std::vector<EventClaim> claims;
  for (std::size_t i = 0; i < EventTable::kSlots; ++i) claims.push_back(table_->take(0));
  EXPECT_FALSE(claims.back().empty());
  EXPECT_TRUE(table_->take(0).empty());
  claims.pop_back();
  EXPECT_FALSE(table_->take(0).empty());
}

TEST_F(EventTableTest, OnlyOneAnswers) {
  EventClaim claim = read_event();
  EXPECT_TRUE(take_answer(*claim.slot()));
  EXPECT_FALSE(take_answer(*claim.slot())) << "somebody has taken it on";
  claim.slot()->state = EventSlot::answered;
  EXPECT_FALSE(claim.begin_answer());
}

TEST_F(EventTableTest, OnlyLateEventsAreAnsweredForTheirOwner) {
  EventClaim claim = read_event();
  const std::int64_t since = claim.slot()->since_ns;
  EXPECT_FALSE(take_late_answer(*claim.slot(), since)) << "not late";
  EXPECT_EQ(claim.slot()->state, EventSlot::waiting);
  EXPECT_TRUE(take_late_answer(*claim.slot(), since + 1));
  claim.slot()->state = EventSlot::answered;
  EXPECT_FALSE(take_late_answer(*claim.slot(), since + 1)) << "answered";
}

// Somebody looks at the slot and gives it back: the owner still answers.
TEST_F(EventTableTest, TheOwnerOutwaitsALook) {
  EventClaim claim = read_event();
  ASSERT_TRUE(take_answer(*claim.slot()));
  std::thread looker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    claim.slot()->state = EventSlot::waiting;
  });
  EXPECT_TRUE(claim.begin_answer());
  claim.end_answer();
  looker.join();
}

TEST_F(EventTableTest, AnOwnersAnswerKeepsOthersOut) {
  EventClaim claim = read_event();
  EXPECT_TRUE(claim.begin_answer());
  EXPECT_FALSE(take_answer(*claim.slot()));
  claim.end_answer();
  EXPECT_FALSE(take_answer(*claim.slot()));
}

TEST_F(EventTableTest, TheOwnerWaitsForWhoAnswersInItsPlace) {
  auto claim = std::make_unique<EventClaim>(read_event());
  EventSlot& slot = *claim->slot();
  ASSERT_TRUE(take_answer(slot));
  std::atomic<bool> released{false};
  std::thread owner([&] {
    claim.reset();
    released = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(released) << "the descriptor's number would be given away";
  slot.state = EventSlot::answered;
  owner.join();
  EXPECT_TRUE(released);
}

// A worker dies: what the table looks like to the next one.
TEST_F(EventTableTest, RecoveryKeepsWhatWasNotAnswered) {
  // Never destroyed: their owner is dead.
  auto* claims = new std::vector<EventClaim>;
  for (int i = 0; i < 5; ++i) claims->push_back(read_event());
  EventSlot& waiting = *(*claims)[0].slot();
  EventSlot& answering = *(*claims)[1].slot();
  EventSlot& answered = *(*claims)[2].slot();
  EventSlot& just_read = *(*claims)[3].slot();
  EventSlot& not_read = *(*claims)[4].slot();
  answering.state = EventSlot::answering;
  answered.state = EventSlot::answered;
  just_read.state = EventSlot::reading;
  not_read.state = EventSlot::reading;
  not_read.event.vers = 0;
  table_->recover();
  EXPECT_EQ(waiting.state, EventSlot::waiting);
  EXPECT_EQ(answering.state, EventSlot::waiting) << "the kernel may not have got the answer";
  EXPECT_EQ(just_read.state, EventSlot::waiting) << "the kernel had written it";
  EXPECT_EQ(answered.state, EventSlot::free);
  EXPECT_EQ(not_read.state, EventSlot::free);
  EXPECT_EQ(table_->used(), 3U);
  EXPECT_EQ(waiting.workers, 1U);
  table_->recover();
  EXPECT_EQ(waiting.workers, 2U) << "two workers have had it";
  for (EventSlot& slot : table_->slots()) slot.state = EventSlot::free;
  for (EventClaim& claim : *claims) claim.slot()->state = EventSlot::free;
  delete claims;
}

TEST_F(EventTableTest, ManyThreadsNeverShareASlot) {
  std::vector<std::thread> threads;
  std::atomic<int> collisions{0};
  for (std::uint32_t id = 0; id < 4; ++id) {
    threads.emplace_back([&, id] {
      for (int i = 0; i < 20'000; ++i) {
        EventClaim claim = table_->take(id);
        if (claim.slot()->group != id) ++collisions;
        claim.arrived();
        if (!claim.begin_answer() || claim.slot()->group != id) ++collisions;
        claim.end_answer();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(collisions, 0);
  EXPECT_EQ(table_->used(), 0U);
}

}  // namespace
}  // namespace holdfast
