// What is read and what waits: admission, turns, and execs that get a second question.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sensor/admission.h"
#include "sensor/fair_queue.h"
#include "sensor/undecided_execs.h"

namespace holdfast {
namespace {

TEST(AdmissionTest, WithNothingPutAsideEverythingIsRead) {
  EXPECT_TRUE(may_read({0, 0, 4096, 1'000'000, 256})) << "the only way on, whatever is short";
}

TEST(AdmissionTest, AContainersOwnFloodWaitsInTheKernel) {
  EXPECT_TRUE(may_read({kMostWaitingHere - 1, 500, 4096, 10, 1024}));
  EXPECT_FALSE(may_read({kMostWaitingHere, 500, 4096, 10, 1024}));
  EXPECT_TRUE(may_read({0, 500, 4096, 10, 1024})) << "another container is not held up";
}

TEST(AdmissionTest, AQuarterOfTheTableStaysFree) {
  EXPECT_TRUE(may_read({1, 3071, 4096, 10, 1024}));
  EXPECT_FALSE(may_read({1, 3072, 4096, 10, 1024}));
}

TEST(AdmissionTest, AQuarterOfTheDescriptorsStaysFree) {
  EXPECT_TRUE(may_read({1, 1, 4096, 767, 1024}));
  EXPECT_FALSE(may_read({1, 1, 4096, 768, 1024}));
}

TEST(FairQueueTest, OwnersTakeTurns) {
  FairQueue<std::string> queue;
  for (const char* item : {"a1", "a2", "a3"}) queue.push(1, item);
  queue.push(2, "b1");
  EXPECT_EQ(queue.size(), 4U);
  std::string order;
  while (const auto item = queue.pop()) order += *item + " ";
  EXPECT_EQ(order, "a1 b1 a2 a3 ");
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueueTest, AnItemCanBeTakenOut) {
  FairQueue<std::string> queue;
  queue.push(1, "a1");
  queue.push(2, "b1");
  queue.push(2, "b2");
  EXPECT_FALSE(queue.erase(1, "b1"));
  EXPECT_TRUE(queue.erase(1, "a1"));
  EXPECT_FALSE(queue.erase(1, "a1"));
  EXPECT_TRUE(queue.erase(2, "b1"));
  EXPECT_EQ(queue.pop(), "b2");
  EXPECT_FALSE(queue.pop());
}

TEST(UndecidedExecsTest, EachIsFoundOnce) {
  const auto execs = std::make_unique<UndecidedExecs>();
  EXPECT_FALSE(execs->take(41));
  execs->add(41);
  execs->add(42);
  EXPECT_TRUE(execs->take(42));
  EXPECT_FALSE(execs->take(42));
  EXPECT_TRUE(execs->take(41));
}

}  // namespace
}  // namespace holdfast
