#include "sensor/fair_queue.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(FairQueue, OwnersTakeTurns) {
  FairQueue<int> queue;
  for (int i = 0; i < 3; ++i) queue.push(1, 10 + i);
  queue.push(2, 20);
  EXPECT_EQ(queue.pop(), 10);
  queue.done(1);
  EXPECT_EQ(queue.pop(), 20);
  queue.done(2);
  EXPECT_EQ(queue.pop(), 11);
}

TEST(FairQueue, AnOwnerHasOneItemInWork) {
  FairQueue<int> queue;
  queue.push(1, 10);
  queue.push(1, 11);
  EXPECT_EQ(queue.pop(), 10);
  EXPECT_EQ(queue.turns(), 0U);
  EXPECT_FALSE(queue.pop()) << "the owner's first item is still in work";
  queue.push(1, 12);
  EXPECT_FALSE(queue.pop());
  queue.push(2, 20);
  EXPECT_EQ(queue.pop(), 20);
  queue.done(1);
  EXPECT_EQ(queue.pop(), 11);
}

TEST(FairQueue, WhatIsErasedHasNoTurn) {
  FairQueue<int> queue;
  queue.push(1, 10);
  EXPECT_TRUE(queue.erase(1, 10));
  EXPECT_FALSE(queue.erase(1, 10));
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.pop());
  queue.push(1, 11);
  queue.push(1, 12);
  EXPECT_EQ(queue.pop(), 11);
  EXPECT_TRUE(queue.erase(1, 12));
  queue.done(1);
  EXPECT_FALSE(queue.pop());
}

}  // namespace
}  // namespace holdfast
