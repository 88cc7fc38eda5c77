// The rules for values, and those that span selectors and responses.
#include <ctime>

#include "policy/diagnostics.h"
#include "policy_samples.h"

namespace holdfast::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Value {
  const char* condition;
  const char* problem;  // null: none
};

void expect_problem(const std::string& policy, const Value& value) {
  if (value.problem == nullptr) {
    EXPECT_THAT(problems(policy), ElementsAre()) << value.condition;
  } else {
    EXPECT_THAT(problems(policy), ElementsAre(HasSubstr(value.problem))) << value.condition;
  }
}

TEST(ValueRules, FileSelectors) {
  const Value values[] = {
      {"containerImageName: [nginx, \"elastic-*-agent\", \"a*\"]", nullptr},
      {"containerImageName: [library/nginx]",
       "4:28: error: selector \"s\": containerImageName \"library/nginx\" is compared with the "
       "last component of the "
       "image's name alone; write \"nginx\", or use containerImageFullName"},
      {"containerImageName: [\"nginx:1.25\"]",
       "must not have a tag or digest; put the tag into containerImageTag"},
      {"containerImageName: [\"\"]", "containerImageName has an empty value"},
      {"containerImageName: [\u201Cnginx\u201D]",
       "has typographic quotes, which would be part of the value; use \" or '"},
      {"containerImageFullName: [\"r.io:5000/a/b\", \"r.io/*\"]", nullptr},
      {"containerImageFullName: [\"r.io:5000/a:1\"]",
       "error: selector \"s\": containerImageFullName"},
      {"containerImageFullName: [\"r.io/a@sha256:00\"]", "must not have a tag or digest"},
      {"containerImageTag: [1.25, \"1.*\"]", nullptr},
      {"kubernetesClusterId: [a-b]", nullptr},
      {"kubernetesClusterId: [\"a*\"]", "takes no wildcard; write the value in full"},
      {"orchestratorClusterName: [\"*\"]", "takes no wildcard"},
      {"orchestratorNamespace: [\"kube-*\"]", nullptr},
      {"kubernetesPodName: [\"web-*\"]", nullptr},
      {"orchestratorType: [kubernetes]", nullptr},
      {"orchestratorType: [docker]", "orchestratorType \"docker\" can only be kubernetes"},
      {"kubernetesPodLabel: [\"a.b/c_d:e*\", \"x:\", \"y:*\"]", nullptr},
      {"kubernetesPodLabel: [app]",
       "is not of the form key:value; write \"app:*\" if the key alone matters"},
      {"orchestratorResourceLabel: [\":x\"]", "has no key before the colon"},
      {"orchestratorResourceLabel: [\"a*:x\"]", "has a wildcard in its key"},
      {"targetFilePath: [/usr/bin/echo, /usr/bin/*, /usr/**, \"/usr/sbin**\", \"/lib*/x\"]",
       nullptr},
      {"targetFilePath: [usr/bin]",
       "4:24: error: selector \"s\": targetFilePath \"usr/bin\" is not an absolute path"},
      {"targetFilePath: [\"**\"]", "is not an absolute path"},
      {"targetFilePath: [\"/usr/sbin*\"]",
       "4:24: warning: selector \"s\": targetFilePath \"/usr/sbin*\" matches nothing inside "
       "/usr/sbin, only names that "
       "begin like it; did you mean \"/usr/sbin/*\"?"},
      {"targetFilePath: [\"/tmp/build-*\"]", nullptr},
      {"targetFilePath: [/usr/]",
       "warning: selector \"s\": targetFilePath \"/usr/\" matches nothing"},
      {"targetFilePath: [/usr/../bin/x]",
       "warning: selector \"s\": targetFilePath \"/usr/../bin/x\" matches nothing"},
      {"targetFilePath: [/usr//x]", "matches nothing"},
  };
  for (const Value& value : values) expect_problem(file_policy(value.condition), value);
}

TEST(ValueRules, ProcessSelectors) {
  const Value values[] = {
      {"processName: [bash, fifteen-letters]", nullptr},
      {"processName: [sixteen--letters]",
       "warning: selector \"s\": processName \"sixteen--letters\" matches nothing"},
      {"processName: [\"ba*\"]", "error: selector \"s\": processName \"ba*\" takes no wildcard"},
      {"processName: [/bin/sh]", "must not have a slash; use processExecutable"},
      {"processExecutable: [/bin/*, /usr/**]", nullptr},
      {"processExecutable: [bash]", "is not an absolute path"},
      {"sessionLeaderInteractive: false", nullptr},
      {"sessionLeaderInteractive: 1", "must be true or false"},
  };
  for (const Value& value : values) expect_problem(process_policy(value.condition), value);
}

TEST(ValueRules, EveryBadValueOfAListIsReported) {
  EXPECT_THAT(problems(file_policy("targetFilePath:\n  - a\n  - /b\n  - c")),
              ElementsAre(HasSubstr("5:11: error: "), HasSubstr("7:11: error: ")));
}

TEST(ValueRules, DiagnosticsStayOnOneShortLine) {
  const auto found =
      problems(file_policy("targetFilePath: [\"a\\nb" + std::string(500'000, 'x') + "\"]"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0], HasSubstr("\"a\\x0Abxxx"));
  EXPECT_LT(found[0].size(), 300U);
}

std::string with_response(const std::string& response, const std::string& more = "") {
  return "file:\n"
         "  selectors:\n"
         "    - {name: exe, operation: [createExecutable, execMemFd]}\n"
         "    - {name: all, containerImageName: [nginx]}\n"
         "    - {name: fim, operation: [createFile], targetFilePath: [/etc/**]}\n"
         "    - {name: root, targetFilePath: [/**]}\n"
         "    - {name: del, operation: [deleteFile, createExecutable]}\n"
         "  responses:\n"
         "    - " +
         response + "\n" + more;
}

TEST(ResponseRules, Shape) {
  const Value values[] = {
      {"{match: [exe], actions: [alert, block, log]}", nullptr},
      {"{match: [exe], exclude: [all], actions: [log]}", nullptr},
      {"{actions: [alert]}", "9:7: error: response 1 has no match"},
      {"{match: [exe]}", "9:7: error: response 1 has no actions"},
      {"{match: [], actions: [alert]}", "error: response 1: match is empty"},
      {"{match: [exe], exclude: [], actions: [alert]}", "error: response 1: exclude is empty"},
      {"{match: exe, actions: [alert]}", "match must be a list; write [\"exe\"]"},
      {"{match: [exe], actions: []}", "error: response 1: actions is empty"},
      {"{match: [exe], actions: [deny]}", "action \"deny\" is unknown; use alert, block or log"},
      {"{match: [exe], actions: [alrt]}", "did you mean \"alert\"?"},
      {"{match: [exe], action: [alert], actions: [alert]}",
       "unknown key \"action\"; did you mean \"actions\"?"},
      {"{match: [exe], actions: [log, block]}",
       "9:37: error: response 1: block needs alert beside it"},
      {"{match: [ex], actions: [alert]}",
       "9:16: error: response 1: match names selector \"ex\", which the file section does not "
       "have; did you mean \"exe\"?"},
      {"{match: [nothingLikeIt], actions: [alert]}",
       "does not have; add it, or use one of its selectors' names"},
      {"{match: [exe], exclude: [fmi], actions: [alert]}", "exclude names selector \"fmi\""},
      {"{match: [\u201Cexe\u201D], actions: [alert]}",
       "match \"\u201Cexe\u201D\" has typographic quotes"},
      {"{match: [exe, all], exclude: [exe], actions: [alert]}",
       "selector \"exe\" stands in match and in exclude"},
  };
  for (const Value& value : values) expect_problem(with_response(value.condition), value);
}

TEST(ResponseRules, BlockingPlainFileWritesNeedsAPath) {
  const Value values[] = {
      {"{match: [exe], actions: [alert, block]}", nullptr},
      {"{match: [fim], actions: [alert, block]}", nullptr},
      {"{match: [all], actions: [alert]}", nullptr},
      {"{match: [all], actions: [alert, block]}",
       "9:16: error: response 1: block on createFile, modifyFile or deleteFile (or on every "
       "operation) needs targetFilePath, "
       "and selector \"all\" has none"},
      {"{match: [fim, del], actions: [alert, block]}",
       "9:21: error: response 1: block on createFile"},
      {"{match: [all], exclude: [fim], actions: [alert, block]}", nullptr},
      {"{match: [all], exclude: [exe], actions: [alert, block]}", "needs targetFilePath"},
      {"{match: [root], actions: [alert, block]}",
       "9:16: warning: response 1: block on createFile"},
      {"{match: [root], actions: [alert]}", nullptr},
  };
  for (const Value& value : values) expect_problem(with_response(value.condition), value);
}

TEST(ResponseRules, FlatSelectorsWithoutOperationMayBlock) {
  EXPECT_THAT(problems("selectors: [{name: a, containerImageName: [x]}]\nresponses: [{match: [a], "
                       "actions: [alert, block]}]"),
              ElementsAre());
}

TEST(ResponseRules, SelectorsOfTheOtherSectionAreOutOfReach) {
  const std::string process =
      "process:\n  selectors: [{name: run, operation: [exec]}]\n  responses: [{match: [exe], "
      "actions: [log]}]\n";
  EXPECT_THAT(problems(with_response("{match: [exe], actions: [log]}", process)),
              ElementsAre("12:24: error: response 1: match names selector \"exe\", which the "
                          "process section does not have; a "
                          "response refers to selectors of its own section"));
}

TEST(ResponseRules, NamesAreUniqueInAFileAndNotBeyondIt) {
  const std::string process =
      "process:\n  selectors: [{name: exe, operation: [exec]}]\n  responses: [{match: [exe], "
      "actions: [log]}]\n";
  EXPECT_THAT(problems(with_response("{match: [exe], actions: [log]}", process)),
              ElementsAre("11:22: error: selector \"exe\": the name is taken by the selector in "
                          "line 3; give it another"));
  const std::string policy = with_response("{match: [exe], actions: [log]}");
  EXPECT_NE(compile_policies({{"a.yml", policy}, {"b.yml", policy}}).set, nullptr);
}

TEST(ResponseRules, BrokenSelectorsDoNotMakeEveryReferenceAnError) {
  EXPECT_THAT(problems("file:\n  selectors: 3\n  responses: [{match: [a], actions: [alert]}]\n"),
              ElementsAre(HasSubstr("selectors must be a list")));
}

std::string repeat(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

// A check that compares every name with every selector, or with every path of its selector, takes
// minutes for these; one that looks names up, about a second.
void expect_checked_soon(const std::string& policy) {
  ASSERT_LE(policy.size(), 1U << 20);
  const std::clock_t start = std::clock();
  static_cast<void>(compile(policy));
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 30);
}

TEST(CrossRules, ManyNamesOfAnotherSectionAreCheckedSoon) {
  expect_checked_soon("process:\n  selectors:\n    - &a {name: n, operation: [exec]}\n" +
                      repeat("    - *a\n", 60'000) +
                      "file:\n  selectors:\n    - {name: a, operation: [createExecutable]}\n"
                      "  responses:\n    - {match: [" +
                      repeat("b,", 200'000) + "b], actions: [alert]}\n");
}

TEST(CrossRules, ManyNamesOfASelectorWithManyPathsAreCheckedSoon) {
  expect_checked_soon("file:\n  selectors:\n    - {name: a, targetFilePath: [" +
                      repeat("/a,", 100'000) + "/a]}\n  responses:\n    - {match: [" +
                      repeat("a,", 200'000) + "a], actions: [alert, block]}\n");
}

TEST(Diagnostics, AreBounded) {
  const std::string policy = "file:\n  selectors:\n    - {name: s, targetFilePath: [" +
                             repeat("[],", 1499) + "[]]}\n  responses:\n" +
                             "    - {match: [s], actions: [alert]}\n";
  const CompiledPolicies compiled = compile(policy);
  EXPECT_EQ(compiled.set, nullptr);
  ASSERT_EQ(compiled.diagnostics.size(), 1001U);
  EXPECT_EQ(compiled.diagnostics.back().severity, Diagnostic::Severity::error);
  EXPECT_EQ(compiled.diagnostics.back().text, "500 more problems; solve those above first");
}

TEST(Diagnostics, OneErrorBeyondTheLimitIsAnError) {
  DiagnosticSink sink("f");
  for (int i = 0; i < 1000; ++i) sink.warning({}, "w");
  sink.warning({}, "w");
  sink.error({}, "e");
  EXPECT_EQ(sink.errors(), 1U);
  EXPECT_EQ(sink.take().back().to_string(),
            "f:1:1: error: 2 more problems; solve those above first");
  sink.warning({}, "w");
  EXPECT_EQ(sink.take().size(), 1U);  // each take() starts anew
}

}  // namespace
}  // namespace holdfast::testing
