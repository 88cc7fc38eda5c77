#include "container/runtime_json.h"

#include <gtest/gtest.h>

#include <chrono>

#include "temp_tree.h"

namespace holdfast {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

TEST(RuntimeJson, MissingMalformedAndForeignFiles) {
  const TempTree tree;
  tree.file("good.json", R"({"a":"b"})");
  tree.file("half.json", R"({"a":"b)");
  tree.file("empty.json", "");
  tree.file("bytes.json", "{\"a\":\"\xff\xfe\"}");
  tree.file("deep.json", std::string(200000, '['));
  tree.directory("dir.json");
  ASSERT_EQ(mkfifo((tree / "fifo.json").c_str(), 0600), 0);
  EXPECT_TRUE(read_json_file(tree / "good.json").has_value());
  for (const char* name :
       {"half.json", "empty.json", "bytes.json", "deep.json", "dir.json", "fifo.json", "none"}) {
    EXPECT_FALSE(read_json_file(tree / name).has_value()) << name;
  }
}

TEST(RuntimeJson, MembersOfOddTypes) {
  const auto json = parse_json(R"({"text":"x","number":7,"empty":"","list":["y"]})");
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(text_member(*json, "text"), "x");
  EXPECT_EQ(text_member(*json, "number"), std::nullopt);
  EXPECT_EQ(text_member(*json, "empty"), std::nullopt);
  EXPECT_EQ(text_member(*json, "absent"), std::nullopt);
  EXPECT_EQ(text_member(member(*json, "list"), "text"), std::nullopt);
  EXPECT_EQ(string_members(*json), (Annotations{{"empty", ""}, {"text", "x"}}));
  EXPECT_TRUE(string_members(member(*json, "list")).empty());
}

TEST(RuntimeJson, WhatNestsTooDeepIsNoDocument) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_NE(parse_json(nested(60)), std::nullopt);
  for (const std::size_t levels : {70U, 1'000'000U}) {
    EXPECT_EQ(parse_json(nested(levels)), std::nullopt) << levels;
    EXPECT_EQ(parse_json(R"({"id":"c","x":)" + nested(levels) + "}"), std::nullopt) << levels;
  }
}

TEST(RuntimeJson, Times) {
  const auto at = [](auto since_epoch) {
    return system_clock::time_point(
        std::chrono::duration_cast<system_clock::duration>(since_epoch));
  };
  EXPECT_EQ(parse_time("1970-01-01T00:00:00Z"), at(seconds(0)));
  EXPECT_EQ(parse_time("2024-02-29T12:30:45.123456789Z"),
            at(seconds(1709209845) + nanoseconds(123456789)));
  EXPECT_EQ(parse_time("2024-02-29T14:30:45.5+02:00"),
            at(seconds(1709209845) + nanoseconds(500000000)));
  EXPECT_EQ(parse_time("2024-02-29T07:00:45-05:30"), at(seconds(1709209845)));
  EXPECT_EQ(parse_time("2024-02-29T12:30:45.1234567891234Z"),
            at(seconds(1709209845) + nanoseconds(123456789)));
  for (const char* bad :
       {"", "2024", "2024-02-29 12:30:45Z", "2024-02-29T12:30:45", "2024-13-01T00:00:00Z",
        "0001-01-01T00:00:00Z", "2024-02-29T12:30:45.Z", "2024-02-29T12:30:45Zjunk",
        "x024-02-29T12:30:45Z", "2024-02-29T12:30:45+0200"}) {
    EXPECT_EQ(parse_time(bad), std::nullopt) << bad;
  }
}

TEST(ParseJson, DepthIsCountedOutsideOfStrings) {
  const std::string brackets(1000, '[');
  EXPECT_TRUE(parse_json(R"({"a":")" + brackets + R"("})"));
  EXPECT_TRUE(parse_json(R"({"a\\\"":"\\","b":"\"{"})"));
  EXPECT_FALSE(parse_json(R"({"a":"x\\","b":)" + brackets + std::string(1000, ']') + "}"));
  EXPECT_FALSE(parse_json("]" + brackets));
}

TEST(ParseJson, ALongArrayTakesTimeByItsLength) {
  constexpr int kObjects = 300'000;  // minutes, if each looks at those before it
  std::string text = "[{}";
  for (int i = 1; i < kObjects; ++i) text += ",{}";
  const auto begin = std::chrono::steady_clock::now();
  const auto json = parse_json(text + "]");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->size(), kObjects);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace holdfast
