// The shape of policies: what is accepted, and where and how mistakes are told.
#include "policy_samples.h"

namespace holdfast::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ::testing::StartsWith;

TEST(PolicyParser, AcceptsBothForms) {
  EXPECT_THAT(problems("version: \"1\"\nfile:\n  selectors: [{name: a, operation: [createFile]}]\n"
                       "  responses: [{match: [a], actions: [log]}]\nprocess:\n"
                       "  selectors: [{name: b, operation: [fork, exec]}]\n"
                       "  responses: [{match: [b], actions: [alert, block]}]\n"),
              ElementsAre());
  EXPECT_THAT(problems("selectors: [{name: a, operation: [execMemFd]}]\n"
                       "responses: [{match: [a], actions: [alert, block]}]\n"),
              ElementsAre());
}

TEST(PolicyParser, AcceptsEitherSpellingInEitherForm) {
  for (const char* condition :
       {"containerImageName: [a]", "containerImageFullName: [r.io/a]", "containerImageTag: [\"1\"]",
        "targetFilePath: [/a]", "orchestratorType: [kubernetes]", "orchestratorClusterId: [a]",
        "kubernetesClusterId: [a]", "orchestratorClusterName: [a]", "kubernetesClusterName: [a]",
        "orchestratorNamespace: [a]", "kubernetesNamespace: [a]", "orchestratorResourceName: [a]",
        "kubernetesPodName: [a]", "orchestratorResourceLabel: [\"a:b\"]",
        "kubernetesPodLabel: [\"a:b\"]", "ignoreVolumeMounts: true", "ignoreVolumeFiles: true"}) {
    const std::string selector = std::string("[{name: s, ") + condition + "}]";
    EXPECT_THAT(
        problems("selectors: " + selector + "\nresponses: [{match: [s], actions: [alert]}]"),
        ElementsAre())
        << condition;
    EXPECT_THAT(problems(file_policy(condition)), ElementsAre()) << condition;
  }
}

TEST(PolicyParser, AllProblemsOfAFileInOneRunInLineOrder) {
  EXPECT_THAT(
      problems("file:\n"
               "  selectors:\n"
               "    - name: a\n"
               "      opertaion: [createExecutable]\n"
               "    - name: b\n"
               "      operation: [createExecutble]\n"
               "      targetFilePath: []\n"
               "  responses:\n"
               "    - match: [a, bb]\n"
               "      actions: [block]\n"
               "extra: 1\n"),
      ElementsAre(
          "4:7: error: selector \"a\": unknown key \"opertaion\"; did you mean \"operation\"?",
          "6:19: error: selector \"b\": operation \"createExecutble\" is unknown; use "
          "createExecutable, "
          "modifyExecutable, execMemFd, createFile, modifyFile or deleteFile; did you mean "
          "\"createExecutable\"?",
          "7:23: error: selector \"b\": targetFilePath is empty; give it a value or remove it",
          "9:18: error: response 1: match names selector \"bb\", which the file section does not "
          "have; "
          "did you mean \"b\"?",
          "10:17: error: response 1: block needs alert beside it; write actions: [alert, block]",
          "11:1: error: policy: unknown key \"extra\"; remove it, or see docs/policy.md for the "
          "keys "
          "that exist"));
}

TEST(PolicyParser, DiagnosticsNameTheirFile) {
  const CompiledPolicies compiled =
      compile_policies({{"good.yml", file_policy("operation: [createFile]")},
                        {"dir/bad.yml", "file: 3"},
                        {"worse.yml", "x"}});
  EXPECT_EQ(compiled.set, nullptr);
  ASSERT_EQ(compiled.diagnostics.size(), 2U);
  EXPECT_THAT(compiled.diagnostics[0].to_string(),
              StartsWith("dir/bad.yml:1:7: error: file must be a map"));
  EXPECT_THAT(compiled.diagnostics[1].to_string(),
              StartsWith("worse.yml:1:1: error: a policy is a map"));
}

struct Mistake {
  const char* text;
  const char* problem;
};

TEST(PolicyParser, MistakesOfShape) {
  const Mistake mistakes[] = {
      {"", "1:1: error: empty policy"},
      {"# nothing\n", "error: empty policy"},
      {"[a]", "1:1: error: a policy is a map"},
      {"version: \"1\"", "1:1: error: policy has neither a file nor a process section"},
      {"version:\nfile: {selectors: [{name: a, operation: [exec]}]}",
       "1:1: error: version is empty"},
      {"file:", "1:1: error: file must be a map with the keys selectors and responses"},
      {"file: {}", "1:1: error: file has no selectors; add"},
      {"file: {}", "1:1: error: file has no responses; add"},
      {"process: {selectors: [], responses: []}", "1:22: error: process: selectors is empty"},
      {"process: {selectors: [], responses: []}", "1:37: error: process: responses is empty"},
      {"process: {selectors: {}, responses: x}", "1:22: error: process: selectors must be a list"},
      {"process: {selectors: {}, responses: x}", "1:37: error: process: responses must be a list"},
      {"file: {selectors:, responses:}", "1:8: error: file: selectors must be a list"},
      {"file: {selectors: [x], responses: [[y]]}",
       "1:20: error: file: element 1 of selectors must be a map"},
      {"file: {selectors: [x], responses: [[y]]}",
       "1:36: error: file: element 1 of responses must be a map"},
      {"file: {selector: []}",
       "1:8: error: file: unknown key \"selector\"; did you mean \"selectors\"?"},
      {"selectors: []", "1:1: error: policy has no responses"},
      {"responses: []", "1:1: error: policy has no selectors"},
      {"fiel: {}", "1:1: error: policy: unknown key \"fiel\"; did you mean \"file\"?"},
      {"file: {}\nselectors: []",
       "2:1: error: \"selectors\" at the top level beside \"file\": a policy has one form"},
      {"file: {}\nfile: {}", "2:1: error: duplicate key \"file\""},
      {"a: [", "error: malformed YAML"},
  };
  for (const Mistake& mistake : mistakes) {
    EXPECT_THAT(problems(mistake.text), Contains(HasSubstr(mistake.problem))) << mistake.text;
  }
}

std::string with_selector(const std::string& selector) {
  return "file:\n  selectors: [" + selector + "]\n  responses: [{match: [a], actions: [alert]}]\n";
}

TEST(PolicyParser, MistakesOfSelectors) {
  const Mistake mistakes[] = {
      {"{operation: [createFile]}", "2:15: error: selector 1 has no name"},
      {"{name: , operation: [createFile]}", "2:16: error: selector 1: name has an empty value"},
      {"{name: \"\", operation: [createFile]}", "2:22: error: selector 1: name has an empty value"},
      {"{name: [a], operation: [createFile]}",
       "2:22: error: selector 1: name must be a single string"},
      {"{name: \u201Ca\u201D, operation: [createFile]}",
       "2:22: error: selector 1: name \"\u201Ca\u201D\" has typographic quotes"},
      {"{name: a}", "2:15: error: selector \"a\" has no condition beside its name"},
      {"{name: a, ignoreVolumeMounts: false}", "selector \"a\" has no condition beside its name"},
      {"{name: a, operation: createFile}",
       "selector \"a\": operation must be a list; write [\"createFile\"]"},
      {"{name: a, operation: {createFile: x}}",
       "selector \"a\": operation must be a list of strings, and is a map"},
      {"{name: a, operation: }", "2:25: error: selector \"a\": operation is empty"},
      {"{name: a, operation: []}", "2:36: error: selector \"a\": operation is empty"},
      {"{name: a, operation: [exec]}",
       "operation \"exec\" belongs into the process section; use createExecutable"},
      {"{name: a, operation: [CreateFile]}", "operation \"CreateFile\" is unknown; use"},
      {"{name: a, operation: [\"\"]}", "operation has an empty value"},
      {"{name: a, containerImageTag: [~]}", "containerImageTag has an empty value"},
      {"{name: a, containerImageTag: [[x]]}",
       "containerImageTag must hold strings, not lists or maps"},
      {"{name: a, kubernetesPodLabel: [app: web]}",
       "a colon followed by a space makes a map; write \"app:web\""},
      {"{name: a, ignoreVolumeFiles: \"true\"}",
       "ignoreVolumeFiles must be true or false, without quotes, not \"true\""},
      {"{name: a, ignoreVolumeFiles: yes}", "ignoreVolumeFiles must be true or false"},
      {"{name: a, ignoreVolumeFiles: [true]}", "ignoreVolumeFiles must be true or false"},
      {"{name: a, ignoreVolumeFiles: }", "ignoreVolumeFiles must be true or false"},
      {"{name: a, processName: [x]}",
       "2:25: error: selector \"a\": processName is no condition of file selectors; move"},
      {"{name: a, imageName: [x]}", "selector \"a\": unknown key \"imageName\""},
      {"{name: a, containerimagename: [x]}", "did you mean \"containerImageName\"?"},
      {"{name: a, operation: [createFile], operation: [modifyFile]}",
       "duplicate key \"operation\""},
      {"{name: a, operation: [createFile]}, {name: a, operation: [modifyFile]}",
       "the name is taken by the selector in line 2"},
  };
  for (const Mistake& mistake : mistakes) {
    EXPECT_THAT(problems(with_selector(mistake.text)), Contains(HasSubstr(mistake.problem)))
        << mistake.text;
  }
}

TEST(PolicyParser, FileConditionsAreNoneOfProcessSelectors) {
  EXPECT_THAT(problems(process_policy("targetFilePath: [/a]\noperation: [createFile]")),
              ElementsAre("4:7: error: selector \"s\": targetFilePath is no condition of process "
                          "selectors; move the "
                          "selector to the file section, or remove the condition",
                          "5:19: error: selector \"s\": operation \"createFile\" belongs into the "
                          "file section; use fork or exec"));
}

TEST(PolicyParser, FlatFormKnowsOperationsOnExecutablesAlone) {
  EXPECT_THAT(problems("selectors: [{name: a, operation: [deleteFile]}]\nresponses: [{match: [a], "
                       "actions: [alert]}]"),
              ElementsAre("1:35: error: selector \"a\": operation \"deleteFile\" is not part of "
                          "the flat form; move "
                          "selectors and responses below \"file:\""));
}

TEST(PolicyParser, OneSpellingOfAConditionInASelector) {
  const char* const pairs[][2] = {
      {"orchestratorClusterId: [a]", "kubernetesClusterId: [a]"},
      {"orchestratorClusterName: [a]", "kubernetesClusterName: [a]"},
      {"orchestratorNamespace: [a]", "kubernetesNamespace: [a]"},
      {"orchestratorResourceName: [a]", "kubernetesPodName: [a]"},
      {"orchestratorResourceLabel: [\"a:\"]", "kubernetesPodLabel: [\"a:\"]"},
  };
  for (const auto& [first, second] : pairs) {
    EXPECT_THAT(problems(file_policy(std::string(first) + "\n" + second)),
                ElementsAre(AllOf(StartsWith("5:7: error: selector \"s\": "),
                                  HasSubstr("are one condition; use one spelling"))))
        << first;
  }
}

TEST(PolicyParser, ExclusiveConditions) {
  EXPECT_THAT(problems(file_policy("containerImageFullName: [r.io/a]\ncontainerImageName: [a]")),
              ElementsAre("5:7: error: selector \"s\": containerImageName cannot stand beside "
                          "containerImageFullName; keep "
                          "one of them"));
  EXPECT_THAT(problems(file_policy("ignoreVolumeMounts: true\nignoreVolumeFiles: true")),
              ElementsAre(HasSubstr("ignoreVolumeFiles cannot stand beside ignoreVolumeMounts")));
  // False is as if it were not there.
  EXPECT_THAT(problems(file_policy("ignoreVolumeMounts: true\nignoreVolumeFiles: false")),
              ElementsAre());
}

TEST(PolicyParser, CrLfByteOrderMarkAndAliasesAreFine) {
  EXPECT_THAT(
      problems("\xEF\xBB\xBF"
               "file:\r\n  selectors:\r\n    - name: a\r\n      targetFilePath: &p [/a]\r\n"
               "    - name: b\r\n      targetFilePath: *p\r\n  responses:\r\n    - match: [a]\r\n"
               "      exclude: [b]\r\n      actions: [alert]\r\n"),
      ElementsAre());
}

TEST(PolicyParser, TooManySelectors) {
  const auto policy = [](int count) {
    std::string text = "file:\n  selectors:\n";
    for (int i = 0; i < count; ++i)
      text += "    - {name: s" + std::to_string(i) + ", operation: [createFile]}\n";
    return text + "  responses: [{match: [s0], actions: [alert]}]\n";
  };
  EXPECT_NE(compile(policy(1024)).set, nullptr);
  EXPECT_THAT(problems(policy(1025)),
              ElementsAre(StartsWith("1:1: error: more than 1024 selectors")));
  const CompiledPolicies compiled =
      compile_policies({{"a.yml", policy(1000)}, {"b.yml", policy(25)}});
  EXPECT_EQ(compiled.set, nullptr);
  ASSERT_EQ(compiled.diagnostics.size(), 1U);
  EXPECT_EQ(compiled.diagnostics[0].file, "b.yml");
}

TEST(PolicyParser, PatternsBeyondAllMemoryAreAnError) {
  std::string paths = "targetFilePath:";
  for (int i = 0; i < 5'000; ++i) {
    paths += "\n  - \"/" + std::to_string(i) + std::string(150, 'x') + "/**/y\"";
  }
  EXPECT_THAT(problems(file_policy(paths)),
              ElementsAre(HasSubstr("error: the wildcard values of all policies together")));
}

TEST(PolicyParser, NoPoliciesAreAValidEmptySet) {
  const CompiledPolicies compiled = compile_policies({});
  ASSERT_NE(compiled.set, nullptr);
  EXPECT_EQ(compiled.set->decide(full_event()).strongest, Action::allow);
}

}  // namespace
}  // namespace holdfast::testing
