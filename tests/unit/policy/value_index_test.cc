#include "policy/value_index.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "policy/patterns.h"

namespace holdfast {
namespace {

SelectorBits found(const ValueIndex& index, std::string_view text) {
  SelectorBits bits;
  index.match(text, bits);
  return bits;
}

SelectorBits bits(std::initializer_list<std::size_t> selectors) {
  SelectorBits result;
  for (const std::size_t selector : selectors) result.set(selector);
  return result;
}

TEST(ValueIndex, FindsEverySelectorThatNamesTheText) {
  ValueIndex index;
  index.add_literal("/a", 0);
  index.add_literal("/a", 3);
  index.add_literal("/b", 1);
  index.add_expression(path_expression("/*"), 2);
  index.add_expression(path_expression("/*"), kMaxSelectors - 1);
  index.add_expression(path_expression("/b/**"), 4);
  ASSERT_TRUE(index.compile());
  EXPECT_EQ(found(index, "/a"), bits({0, 2, 3, kMaxSelectors - 1}));
  EXPECT_EQ(found(index, "/b"), bits({1, 2, kMaxSelectors - 1}));
  EXPECT_EQ(found(index, "/b/c"), bits({4}));
  EXPECT_EQ(found(index, "/c/d"), bits({}));
  EXPECT_EQ(found(index, ""), bits({}));
}

TEST(ValueIndex, ThePrefixOfAllExpressionsHidesNoMatch) {
  ValueIndex index;
  for (const auto& [pattern, selector] : std::initializer_list<std::pair<const char*, std::size_t>>{
           {"/opt/app/**", 0}, {"/opt/a*/x", 1}, {"/opt/**/b", 2}}) {
    index.add_expression(path_expression(pattern), selector, literal_prefix(pattern));
  }
  index.add_literal("/o", 3);
  ASSERT_TRUE(index.compile());
  EXPECT_EQ(found(index, "/opt/app/y"), bits({0}));
  EXPECT_EQ(found(index, "/opt/a/x"), bits({1}));
  EXPECT_EQ(found(index, "/opt/b"), bits({2}));
  EXPECT_EQ(found(index, "/opt/app/b"), bits({0, 2}));
  EXPECT_EQ(found(index, "/o"), bits({3}));
  EXPECT_EQ(found(index, "/op"), bits({}));
  EXPECT_EQ(found(index, "/usr/b"), bits({}));
}

TEST(ValueIndex, ThousandsOfPatternsStillMatch) {
  ValueIndex index;
  for (std::size_t i = 0; i < 20'000; ++i) {
    index.add_expression(path_expression("/dir" + std::to_string(i) + "/*"), i % kMaxSelectors);
  }
  ASSERT_TRUE(index.compile());
  EXPECT_EQ(found(index, "/dir19999/x"), bits({19'999 % kMaxSelectors}));
  EXPECT_EQ(found(index, "/dir20000/x"), bits({}));
}

TEST(ValueIndex, TooManyPatternsAreRefusedRatherThanNeverMatched) {
  ValueIndex index;
  for (std::size_t i = 0; i < 10'000; ++i) {
    index.add_expression(path_expression("/" + std::to_string(i) + std::string(200, 'x') + "/**/y"),
                         0);
  }
  EXPECT_FALSE(index.compile());
}

TEST(ValueIndex, ManyThreadsReadOneIndex) {
  ValueIndex index;
  for (std::size_t i = 0; i < 64; ++i) {
    index.add_expression(path_expression("/**/d" + std::to_string(i) + "/**"), i);
  }
  ASSERT_TRUE(index.compile());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < 2000; ++i) {
        const std::string path = "/x" + std::to_string(i) + "/d" + std::to_string(i % 80) + "/f";
        const bool right =
            i % 80 < 64 ? found(index, path) == bits({i % 80}) : found(index, path).none();
        if (!right) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace holdfast
