// What is read and what waits for later: admission, and execs that get a second question.
#include "sensor/admission.h"

#include <gtest/gtest.h>

#include <memory>

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
