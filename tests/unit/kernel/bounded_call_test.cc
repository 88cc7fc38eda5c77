#include "kernel/bounded_call.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{10'000};
constexpr milliseconds kShort{20};

// A call that hangs until the test ends it.
class Hostage {
 public:
  Hostage() : released_(release_.get_future().share()) {}
  auto call() const {
    return [released = released_] {
      released.wait();
      return 1;
    };
  }
  void release() { release_.set_value(); }

 private:
  std::promise<void> release_;
  std::shared_future<void> released_;
};

void wait_for_no_stuck(const BoundedCalls& calls) {
  while (calls.stuck() > 0) std::this_thread::sleep_for(milliseconds(1));
}

// One call more hangs. What no thread has taken yet when its caller gives up does not: then, on a
// busy machine, once more.
void get_stuck(BoundedCalls& calls, const std::string& owner, const Hostage& hostage) {
  const std::size_t before = calls.stuck();
  while (calls.stuck() == before) {
    EXPECT_EQ(calls.run(owner, kShort, hostage.call()), std::nullopt);
  }
}

TEST(BoundedCalls, BringsTheValue) {
  BoundedCalls calls;
  EXPECT_EQ(calls.run("a", kLong, [] { return std::string("value"); }), "value");
  EXPECT_EQ(calls.run("a", kLong, [] { return 2; }), 2);
  EXPECT_EQ(calls.counters().calls, 2U);
  EXPECT_EQ(calls.counters().timed_out, 0U);
}

TEST(BoundedCalls, AThrowIsNoValue) {
  BoundedCalls calls;
  EXPECT_EQ(calls.run("a", kLong, []() -> int { throw std::runtime_error("no"); }), std::nullopt);
}

TEST(BoundedCalls, GoesOnWithoutACallThatHangs) {
  Hostage hostage;
  BoundedCalls calls;
  get_stuck(calls, "a", hostage);
  EXPECT_EQ(calls.run("a", kLong, [] { return 2; }), 2);
  hostage.release();
  wait_for_no_stuck(calls);
  EXPECT_GE(calls.counters().timed_out, 1U);
}

TEST(BoundedCalls, OneOwnerCannotTakeAllThreads) {
  Hostage hostage;
  BoundedCalls calls;
  for (std::size_t i = 0; i < BoundedCalls::kMostStuckOfOwner; ++i) {
    get_stuck(calls, "hostile", hostage);
  }
  EXPECT_EQ(calls.run("hostile", kLong, [] { return 2; }), std::nullopt);
  EXPECT_EQ(calls.counters().refused, 1U);
  EXPECT_EQ(calls.run("other", kLong, [] { return 2; }), 2);
  hostage.release();
  wait_for_no_stuck(calls);
  EXPECT_EQ(calls.run("hostile", kLong, [] { return 2; }), 2);
}

TEST(BoundedCalls, RefusesAtOnceWhenAllThreadsAreStuck) {
  Hostage hostage;
  BoundedCalls calls;
  for (std::size_t i = 0; i < BoundedCalls::kMostThreads; ++i) {
    get_stuck(calls, std::to_string(i), hostage);
  }
  EXPECT_EQ(calls.run("another", kLong, [] { return 2; }), std::nullopt);
  EXPECT_EQ(calls.counters().refused, 1U);
  hostage.release();
  wait_for_no_stuck(calls);
  EXPECT_EQ(calls.run("another", kLong, [] { return 2; }), 2);
}

TEST(BoundedCalls, MoreCallersThanThreadsAllGetTheirs) {
  BoundedCalls calls;
  std::vector<std::thread> callers;
  std::atomic<int> got{0};
  for (int i = 0; i < 24; ++i) {
    callers.emplace_back([&, i] {
      const auto value = calls.run("a", kLong, [i] {
        std::this_thread::sleep_for(milliseconds(2));
        return i;
      });
      if (value == i) ++got;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(got, 24);
}

TEST(BoundedCalls, EndsWhileACallHangs) {
  Hostage hostage;
  {
    BoundedCalls calls;
    get_stuck(calls, "a", hostage);
  }
  hostage.release();  // the thread comes back to a state that is still there
}

}  // namespace
}  // namespace holdfast
