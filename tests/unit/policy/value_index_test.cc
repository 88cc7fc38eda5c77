#include "policy/value_index.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <random>
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
  index.add_path("/a", 0);
  index.add_path("/a", 3);
  index.add_path("/b", 1);
  index.add_path("/*", 2);
  index.add_path("/*", kMaxSelectors - 1);
  index.add_path("/b/**", 4);
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
    index.add_path(pattern, selector);
  }
  index.add_path("/o", 3);
  ASSERT_TRUE(index.compile());
  EXPECT_EQ(found(index, "/opt/app/y"), bits({0}));
  EXPECT_EQ(found(index, "/opt/a/x"), bits({1}));
  EXPECT_EQ(found(index, "/opt/b"), bits({2}));
  EXPECT_EQ(found(index, "/opt/app/b"), bits({0, 2}));
  EXPECT_EQ(found(index, "/o"), bits({3}));
  EXPECT_EQ(found(index, "/op"), bits({}));
  EXPECT_EQ(found(index, "/usr/b"), bits({}));
}

// Beginnings take a way of their own; it must lead where the expression does.
TEST(ValueIndex, MatchesWhatTheExpressionsMatch) {
  std::mt19937 random(7);
  const auto pick = [&](std::size_t count) { return random() % count; };
  const auto text = [&](const std::string& letters) {
    std::string made;
    for (std::size_t length = pick(7); length > 0; --length) made += letters[pick(letters.size())];
    return made;
  };
  for (int round = 0; round < 300; ++round) {
    ValueIndex paths;
    ValueIndex names;
    std::vector<std::string> patterns;
    std::deque<RE2> path_expressions;
    std::deque<RE2> name_expressions;
    for (std::size_t i = 0; i < 12; ++i) {
      patterns.push_back("/" + text("aab/*") + std::string(pick(4), '*'));
      paths.add_path(patterns[i], i);
      names.add_name(patterns[i], i);
      path_expressions.emplace_back(path_expression(patterns[i]), expression_options());
      name_expressions.emplace_back(name_expression(patterns[i]), expression_options());
    }
    ASSERT_TRUE(paths.compile() && names.compile());
    for (int i = 0; i < 30; ++i) {
      const std::string subject = "/" + text("aab/");
      const SelectorBits by_path = found(paths, subject);
      const SelectorBits by_name = found(names, subject);
      for (std::size_t p = 0; p < patterns.size(); ++p) {
        const std::string what = patterns[p] + " for " + subject;
        EXPECT_EQ(by_path[p], RE2::FullMatch(subject, path_expressions[p])) << what;
        EXPECT_EQ(by_name[p], RE2::FullMatch(subject, name_expressions[p])) << what;
      }
    }
  }
}

TEST(ValueIndex, ThousandsOfPatternsStillMatch) {
  ValueIndex index;
  for (std::size_t i = 0; i < 20'000; ++i) {
    index.add_path("/dir" + std::to_string(i) + "/*", i % kMaxSelectors);
  }
  ASSERT_TRUE(index.compile());
  EXPECT_EQ(found(index, "/dir19999/x"), bits({19'999 % kMaxSelectors}));
  EXPECT_EQ(found(index, "/dir20000/x"), bits({}));
}

TEST(ValueIndex, TooManyPatternsAreRefusedRatherThanNeverMatched) {
  ValueIndex index;
  for (std::size_t i = 0; i < 10'000; ++i) {
    index.add_path("/" + std::to_string(i) + std::string(200, 'x') + "/**/y", 0);
  }
  EXPECT_FALSE(index.compile());
}

TEST(ValueIndex, ManyThreadsReadOneIndex) {
  ValueIndex index;
  for (std::size_t i = 0; i < 64; ++i) {
    index.add_path("/**/d" + std::to_string(i) + "/**", i);
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
