#include "policy/yaml_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Parsed {
  YamlPtr root;
  std::vector<Diagnostic> diagnostics;
};

Parsed parse(std::string_view text) {
  DiagnosticSink sink("f");
  YamlPtr root = parse_yaml(text, sink);
  return {root, sink.take()};
}

void expect_refused(std::string_view text, const std::string& diagnostic) {
  const Parsed parsed = parse(text);
  EXPECT_EQ(parsed.root, nullptr) << text.substr(0, 40);
  ASSERT_THAT(parsed.diagnostics, SizeIs(1)) << text.substr(0, 40);
  EXPECT_THAT(parsed.diagnostics[0].to_string(), HasSubstr(diagnostic));
}

std::string repeat(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST(YamlDocument, KeepsPositionsFromOne) {
  const Parsed parsed = parse("a: x\nb:\n  - y\n  - {c: z}\n");
  ASSERT_NE(parsed.root, nullptr);
  const YamlPair& b = parsed.root->pairs.at(1);
  EXPECT_EQ(b.key, "b");
  EXPECT_EQ(b.at.line, 2);
  EXPECT_EQ(b.at.column, 1);
  EXPECT_EQ(b.value->items.at(0)->text, "y");
  EXPECT_EQ(b.value->items.at(0)->at.line, 3);
  EXPECT_EQ(b.value->items.at(0)->at.column, 5);
  EXPECT_EQ(b.value->items.at(1)->pairs.at(0).value->at.column, 9);
}

TEST(YamlDocument, TellsQuotedFromPlain) {
  const Parsed parsed = parse("[true, \"true\", 'x', !!str 1]");
  ASSERT_NE(parsed.root, nullptr);
  EXPECT_FALSE(parsed.root->items.at(0)->quoted);
  EXPECT_TRUE(parsed.root->items.at(1)->quoted);
  EXPECT_TRUE(parsed.root->items.at(2)->quoted);
  EXPECT_TRUE(parsed.root->items.at(3)->quoted);
}

TEST(YamlDocument, EmptyTextsAreNull) {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "\xEF\xBB\xBF"}) {
    const Parsed parsed = parse(text);
    ASSERT_NE(parsed.root, nullptr) << text;
    EXPECT_EQ(parsed.root->kind, YamlNode::Kind::null) << text;
    EXPECT_THAT(parsed.diagnostics, SizeIs(0));
  }
}

TEST(YamlDocument, ByteOrderMarkAndCrLfDoNoHarm) {
  const Parsed parsed = parse(
      "\xEF\xBB\xBF"
      "a: x\r\nb: [y, \"z\"]\r\nc: |\r\n  t\r\n");
  ASSERT_NE(parsed.root, nullptr);
  EXPECT_EQ(parsed.root->pairs.at(0).at.column, 1);
  EXPECT_EQ(parsed.root->pairs.at(0).value->text, "x");
  EXPECT_EQ(parsed.root->pairs.at(1).at.line, 2);
  EXPECT_EQ(parsed.root->pairs.at(1).value->items.at(1)->text, "z");
  EXPECT_EQ(parsed.root->pairs.at(2).value->text, "t\n");
}

TEST(YamlDocument, MalformedTextsHaveAPosition) {
  expect_refused("a: [x,y\nb: 1", "f:2:2: error: malformed YAML: ");
  expect_refused("a: \"b", "f:1:6: error: malformed YAML: ");
  expect_refused("a: *nope", "f:1:4: error: malformed YAML: the referenced anchor is not defined");
  expect_refused("a:\n\t- x", "error: malformed YAML: ");
  expect_refused("%YAML 9.0\n---\na: 1", "error: malformed YAML: ");
}

TEST(YamlDocument, RefusesWhatIsNotUtf8) {
  expect_refused("a: x\nb: \xFF", "f:2:4: error: not UTF-8; save the file as UTF-8");
  expect_refused("\xC0\xAF", "f:1:1: error: not UTF-8");          // overlong
  expect_refused("\xED\xA0\x80", "f:1:1: error: not UTF-8");      // surrogate
  expect_refused("\xF4\x90\x80\x80", "f:1:1: error: not UTF-8");  // beyond Unicode
  expect_refused("ab\xE2\x82", "f:1:3: error: not UTF-8");        // cut off
  expect_refused(std::string_view("\xFF\xFE"
                                  "a\0",
                                  4),
                 "not UTF-8");  // UTF-16
  EXPECT_NE(parse("a: \u00E9\u20AC\U0001F600").root, nullptr);
}

TEST(YamlDocument, RefusesControlCharacters) {
  // yaml-cpp takes byte 4 for the end of the text: what follows would silently be lost.
  expect_refused(
      "a: x\n\x04"
      "b: y",
      "f:2:1: error: control character \"\\x04\"; remove it");
  expect_refused(std::string_view("a: \0", 4), "f:1:4: error: control character \"\\x00\"");
}

TEST(YamlDocument, RefusesMoreThanOneMebibyte) {
  const std::string comment = "#" + std::string(kMaxYamlBytes - 1, 'x');
  EXPECT_NE(parse(comment).root, nullptr);
  expect_refused(comment + "x", "f:1:1: error: file is larger than 1 MiB");
}

TEST(YamlDocument, RefusesMoreThan64Levels) {
  EXPECT_NE(parse(repeat("- ", 63) + "x").root, nullptr);
  expect_refused(repeat("- ", 64) + "x", "f:1:129: error: nested deeper than 64 levels");
  EXPECT_NE(parse(repeat("[", 60) + repeat("]", 60)).root, nullptr);
  expect_refused(repeat("[", 65) + repeat("]", 65), "nested deeper than 64 levels");
  expect_refused(repeat("[", 1'000'000), "nested deeper than 64 levels");
  expect_refused(repeat("{a: ", 200'000), "nested deeper than 64 levels");
}

TEST(YamlDocument, DuplicateKeysAreAllReported) {
  const Parsed parsed = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n");
  ASSERT_NE(parsed.root, nullptr);
  ASSERT_THAT(parsed.diagnostics, SizeIs(2));
  EXPECT_THAT(parsed.diagnostics[0].to_string(), HasSubstr("f:2:11: error: duplicate key \"c\""));
  EXPECT_THAT(parsed.diagnostics[1].to_string(), HasSubstr("f:3:1: error: duplicate key \"a\""));
  EXPECT_EQ(parsed.root->pairs.at(0).value->text, "1");
}

TEST(YamlDocument, KeysAreText) {
  expect_refused("? [a]\n: b", "error: a key must be text");
  expect_refused("~: b", "error: a key must be text");
}

TEST(YamlDocument, AliasesShareTheirContent) {
  const Parsed parsed = parse("a: &x [1, 2]\nb: *x\n");
  ASSERT_NE(parsed.root, nullptr);
  EXPECT_EQ(parsed.root->pairs.at(1).value, parsed.root->pairs.at(0).value);
}

TEST(YamlDocument, AliasesThatContainThemselvesAreRefused) {
  expect_refused("&a [*a]", "f:1:5: error: alias refers to a list or map that contains it");
  expect_refused("a: &a {b: {c: *a}}", "alias refers to a list or map that contains it");
}

TEST(YamlDocument, AliasesCannotGrowWithoutBounds) {
  std::string laughs = "a0: &a0 [" + repeat("x,", 99) + "x]\n";
  std::string chain = "a0: &a0 [x]\n";
  for (int i = 1; i < 10'000; ++i) {
    const std::string last = std::to_string(i - 1);
    const std::string next = std::to_string(i);
    if (i < 10)
      laughs += "a" + next + ": &a" + next + " [" + repeat("*a" + last + " ,", 99) + "x]\n";
    chain += "a" + next + ": &a" + next + " [*a" + last + "]\n";
  }
  expect_refused(laughs, "error: aliases expand to more than 1048576 values");
  expect_refused(chain, "error: nested deeper than 64 levels");
}

TEST(YamlDocument, TagsAreRefused) {
  expect_refused("a: !!binary aGk=",
                 "f:1:4: error: YAML tag \"tag:yaml.org,2002:binary\" is not supported");
  expect_refused("!x {a: b}", "YAML tag \"!x\" is not supported");
}

TEST(YamlDocument, OneDocumentAFile) {
  expect_refused("a: 1\n---\nb: 2\n", "f:2:1: error: second YAML document");
  EXPECT_NE(parse("---\na: 1\n...\n").root, nullptr);
}

}  // namespace
}  // namespace holdfast
