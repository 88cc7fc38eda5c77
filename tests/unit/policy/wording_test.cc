#include "policy/wording.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(Quoted, StaysOnOneLine) {
  EXPECT_EQ(in_quotes("plain"), "\"plain\"");
  EXPECT_EQ(in_quotes("a\nb\x7F"), "\"a\\x0Ab\\x7F\"");
}

TEST(Quoted, ShowsWhatATerminalDoesNot) {
  EXPECT_EQ(in_quotes("a\u00A0b\u200B\u202Ec\u009B"),
            "\"a\\u{00A0}b\\u{200B}\\u{202E}c\\u{009B}\"");
  EXPECT_EQ(in_quotes("\U000E0041"), "\"\\u{E0041}\"");
  EXPECT_EQ(in_quotes("\u00E9\u20AC\U0001F600"), "\"\u00E9\u20AC\U0001F600\"");
  EXPECT_EQ(in_quotes("\xC2"), "\"\xC2\"");
}

TEST(InvisibleCharacter, IsNamed) {
  EXPECT_EQ(invisible_character("/usr/bin/a\u00A0"), "U+00A0");
  EXPECT_EQ(invisible_character("\uFEFFa\u200B"), "U+FEFF");
  for (const char* text : {"", "plain text", "\u00E9\u20AC\U0001F600", "\x80", "\xE2\x80"})
    EXPECT_EQ(invisible_character(text), "") << text;
}

TEST(Quoted, CutsLongValuesBetweenCharacters) {
  EXPECT_EQ(in_quotes(std::string(80, 'a')), "\"" + std::string(80, 'a') + "\"");
  EXPECT_EQ(in_quotes(std::string(81, 'a')), "\"" + std::string(80, 'a') + "...\"");
  EXPECT_EQ(in_quotes(std::string(79, 'a') + "\xC3\xA9z"), "\"" + std::string(79, 'a') + "...\"");
}

TEST(OneOf, ReadsAsASentence) {
  EXPECT_EQ(one_of({"a"}), "a");
  EXPECT_EQ(one_of({"a", "b", "c"}), "a, b or c");
}

TEST(Suggestion, FindsSlipsAndNothingElse) {
  const std::vector<std::string_view> words = {"operation", "targetFilePath", "name"};
  EXPECT_EQ(suggestion("opertaion", words), "; did you mean \"operation\"?");
  EXPECT_EQ(suggestion("targetfilepath", words), "; did you mean \"targetFilePath\"?");
  EXPECT_EQ(suggestion("nam", words), "; did you mean \"name\"?");
  EXPECT_EQ(suggestion("image", words), "");
  EXPECT_EQ(suggestion("", words), "");
  EXPECT_EQ(suggestion(std::string(100'000, 'x'), words), "");
}

TEST(TypographicQuotes, AreTheEightOfUnicode) {
  for (const char* text :
       {"\u2018x\u2019", "\u201Cx\u201D", "\u201E", "\u201F", "\u201A", "a\u201B"}) {
    EXPECT_TRUE(has_typographic_quotes(text)) << text;
  }
  for (const char* text : {"", "\"x\"", "'x'", "\u2013", "\u2020", "\xE2\x80"}) {
    EXPECT_FALSE(has_typographic_quotes(text)) << text;
  }
}

}  // namespace
}  // namespace holdfast
