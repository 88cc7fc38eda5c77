// The commands about policies as a shell sees them: exit codes, and what goes to which stream.
#include "cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../policy/temp_policies.h"

namespace holdfast::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

Outcome run(const std::function<int()>& command, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  auto* const old_in = std::cin.rdbuf(in.rdbuf());
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  const int status = command();
  std::cin.rdbuf(old_in);
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  return {status, out.str(), err.str()};
}

Outcome check(const std::vector<std::string>& files) {
  return run([&] { return check_command(files); });
}

Outcome explain(const std::vector<std::string>& policies,
                const std::optional<std::string>& event_file, const std::string& input = "") {
  return run([&] { return explain_command(policies, event_file); }, input);
}

void expect_one_line(const std::string& text) {
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_EQ(text.back(), '\n');
}

const char* const kValid =
    "file:\n  selectors: [{name: a, operation: [createExecutable]}]\n  responses: [{match: [a], "
    "actions: [alert]}]\n";
const char* const kWarns =
    "file:\n  selectors: [{name: a, targetFilePath: [\"/usr/sbin*\"]}]\n  responses: [{match: [a], "
    "actions: [alert]}]\n";
const char* const kBlocks =
    "file:\n  selectors: [{name: a, operation: [createExecutable]}]\n  responses: [{match: [a], "
    "actions: [block]}]\n";
const char* const kEvent = R"({"operation":"createExecutable","path":"/x"})";

TEST(CheckCommand, ValidFilesPrintNothing) {
  const TempPolicies dir;
  const Outcome outcome =
      check({dir.write("p.yml", kValid), dir.write("s.yml", "rotate_keep: 2\n")});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "");
}

TEST(CheckCommand, WarningsAloneAreValid) {
  const TempPolicies dir;
  const std::string file = dir.write("p.yml", kWarns);
  const Outcome outcome = check({file});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, StartsWith(file + ":2:42: warning: selector \"a\": "));
}

TEST(CheckCommand, ErrorsOfAllFilesInTheirOrder) {
  const TempPolicies dir;
  const std::string first = dir.write("1.yml", kBlocks);
  const std::string settings = dir.write("2.yml", "rotate_keep: x\n");
  const std::string last = dir.write("3.yml", kBlocks);
  const Outcome outcome = check({dir.path()});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(
      outcome.out,
      first +
          ":3:38: error: response 1: block needs alert beside it; write actions: [alert, block]\n" +
          settings +
          ":1:14: error: rotate_keep must be a whole number from 0 to 1000, not \"x\"\n" + last +
          ":3:38: error: response 1: block needs alert beside it; write actions: [alert, block]\n");
}

TEST(CheckCommand, UnreadableFilesAndNothingToCheckAreUsageErrors) {
  const TempPolicies dir;
  for (const auto& files : {std::vector<std::string>{dir.path() + "/none.yml"}, {dir.path()}}) {
    const Outcome outcome = check(files);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, StartsWith("holdfast check: "));
    expect_one_line(outcome.err);
  }
}

TEST(ExplainCommand, AnswersFromFileAndStandardInput) {
  const TempPolicies dir;
  const std::string policy = dir.write("p.yml", kValid);
  const std::string event = dir.write("e.json", kEvent);
  for (const Outcome& outcome : {explain({policy}, event), explain({policy}, std::nullopt, kEvent),
                                 explain({policy}, "-", kEvent)}) {
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    expect_one_line(outcome.out);
    const auto document = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(document["decision"], "alert");
    EXPECT_EQ(document["responses"][0]["policy"], policy);
  }
}

TEST(ExplainCommand, WhatIsWrongTakesOneLineAndExitsTwo) {
  const TempPolicies dir;
  const std::string policy = dir.write("p.yml", kValid);
  const std::string bad = dir.write("bad.yml", "file: {selectors: 1, responses: 2}");
  const std::pair<Outcome, const char*> cases[] = {
      {explain({policy}, std::nullopt, "{"), "event: malformed JSON"},
      {explain({policy}, std::nullopt, ""), "event: malformed JSON"},
      {explain({policy}, std::nullopt, "{}"), "event: no operation"},
      {explain({policy}, dir.path() + "/none.json"), "none.json: No such file"},
      {explain({policy}, dir.path()), "no event in it"},
      {explain({bad}, std::nullopt, kEvent), "(and 1 more; run holdfast check)"},
      {explain({dir.path() + "/none.yml"}, std::nullopt, kEvent), "none.yml: No such file"},
      {explain({}, std::nullopt, kEvent), "no policy"},
  };
  for (const auto& [outcome, problem] : cases) {
    EXPECT_EQ(outcome.status, 2) << problem;
    EXPECT_EQ(outcome.out, "") << problem;
    EXPECT_THAT(outcome.err, AllOf(StartsWith("holdfast explain: "), HasSubstr(problem)));
    expect_one_line(outcome.err);
  }
}

TEST(CheckCommand, AnEmptyFileIsNoPolicyAndMayBeSettings) {
  const TempPolicies dir;
  const std::string empty = dir.write("p.yml", "# nothing yet\n");
  EXPECT_THAT(check({empty}).out, StartsWith(empty + ":1:1: error: empty policy"));
  EXPECT_EQ(check({dir.write("holdfast.yml", "# all defaults\n")}).status, 0);
}

TEST(ExplainCommand, ReadsOneEventOfManyLinesOrOneALine) {
  const TempPolicies dir;
  const std::string policy = dir.write("p.yml", kValid);
  const auto answers = [&](const std::string& input) {
    const Outcome outcome = explain({policy}, std::nullopt, input);
    return std::pair(std::count(outcome.out.begin(), outcome.out.end(), '\n'), outcome.err);
  };
  const std::string event(kEvent);
  using Answers = std::pair<std::ptrdiff_t, std::string>;
  EXPECT_EQ(answers("\n{\n\"operation\":\"createExecutable\",\n\"path\":\"/x\"\n}\n\n"),
            Answers(1, ""));
  EXPECT_EQ(answers(event + "\n\n" + event + "\r\n" + event), Answers(3, ""));
  // What was right before the mistake is told.
  EXPECT_EQ(answers(event + "\n{}\n" + event).first, 1);
  EXPECT_THAT(answers(event + "\n{}\n" + event).second, HasSubstr("line 2: event: no operation"));
  EXPECT_THAT(answers("{}\n" + event).second, HasSubstr("explain: event: no operation"));
  // Bounded, in one line and in many.
  EXPECT_THAT(answers(std::string(5 << 20, ' ')).second, HasSubstr("longer than 4 MiB"));
  EXPECT_THAT(answers("{" + std::string(5 << 20, '\n') + "}").second,
              HasSubstr("longer than 4 MiB"));
  const std::string deep(100'000, '[');
  EXPECT_THAT(answers(R"({"operation":"createFile","path":"/x","container":)" + deep +
                      std::string(100'000, ']') + "}")
                  .second,
              HasSubstr("event: malformed JSON: column 115: Too deeply nested."));
}

TEST(ReplayCommand, DevicesAreNoLogs) {
  const TempPolicies dir;
  const std::string policy = dir.write("p.yml", kValid);
  const Outcome outcome = run([&] { return replay_command({policy}, {"/dev/zero"}, false); });
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("read /dev/zero: is a device"));
}

TEST(CheckCommand, D4cAndJson) {
  const TempPolicies dir;
  const std::string policy = dir.write("p.yml", kWarns);
  const Outcome d4c = run([&] { return check_command({policy}, {.d4c = true}); });
  EXPECT_EQ(d4c.status, 1);
  EXPECT_THAT(d4c.err + d4c.out, AllOf(HasSubstr(policy + ":2:"), HasSubstr("/usr/sbin*")));
  for (const bool strict : {false, true}) {
    const Outcome outcome =
        run([&] { return check_command({policy}, {.d4c = strict, .json = true}); });
    EXPECT_EQ(outcome.status, strict ? 1 : 0);
    EXPECT_EQ(outcome.err, "");
    const auto document = nlohmann::json::parse(outcome.out);
    EXPECT_NE(document.dump().find(policy), std::string::npos) << document;
  }
}

const char* const kLog = R"({"operation":"createExecutable","path":"/opt/x/tool-1.2"}
{"operation":"createExecutable","path":"/opt/x/tool-1.3"}
no event
)";

TEST(ReplayCommand, SaysWhatWouldBeAndWhatItDidNotUnderstand) {
  const TempPolicies dir;
  const std::string policy = dir.write("p.yml", kValid);
  const std::string log = dir.write("log.json", kLog);
  for (const bool json : {false, true}) {
    const Outcome outcome = run([&] { return replay_command({policy}, {log}, json); });
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("holdfast replay: 1 line not understood"), HasSubstr(log)));
    expect_one_line(outcome.err);
    EXPECT_THAT(outcome.out, HasSubstr("/opt/x/tool-1.2"));
    EXPECT_TRUE(!json || nlohmann::json::accept(outcome.out)) << outcome.out;
  }
  const Outcome missing = run([&] { return replay_command({policy}, {"/none.json"}, false); });
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, StartsWith("holdfast replay: "));
  EXPECT_EQ(run([&] { return replay_command({"/none.yml"}, {log}, false); }).status, 2);
}

TEST(SuggestCommand, WhatItPrintsPassesCheck) {
  const TempPolicies dir;
  const std::string log = dir.write("log.json", kLog);
  const Outcome outcome = run([&] { return suggest_command({log}); });
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, StartsWith("holdfast suggest: 1 line not understood"));
  EXPECT_EQ(check({dir.write("suggested.yml", outcome.out)}).status, 0) << outcome.out;
  EXPECT_EQ(run([&] { return suggest_command({"/none.json"}); }).status, 2);
}

}  // namespace
}  // namespace holdfast::testing
