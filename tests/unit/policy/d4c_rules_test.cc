// `check --d4c`: Elastic's rules, each with what passes and what does not.
#include "policy_samples.h"

namespace holdfast::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> d4c_problems(const std::string& text) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic :
       compile_policies({{"p.yml", text}}, PolicyRules::d4c).diagnostics) {
    lines.push_back(diagnostic.to_string().substr(std::string("p.yml:").size()));
  }
  return lines;
}

TEST(D4c, ElasticsDefaultPolicyIsValid) {
  EXPECT_THAT(
      d4c_problems("process:\n  selectors:\n    - {name: allProcesses, operation: [fork, exec]}\n"
                   "  responses: [{match: [allProcesses], actions: [log]}]\n"
                   "file:\n  selectors:\n    - {name: executableChanges, operation: "
                   "[createExecutable, modifyExecutable]}\n"
                   "  responses: [{match: [executableChanges], actions: [alert]}]\n"),
      ElementsAre());
}

TEST(D4c, ValuesOfFileSelectors) {
  struct Value {
    std::string condition;
    const char* problem;  // null: none
  };
  const Value values[] = {
      {"targetFilePath: [/usr/bin/*, /usr/**, /usr/bin/echo, /*, /**]", nullptr},
      {"targetFilePath: [\"/usr/sbin*\"]", "takes a wildcard as its last component only"},
      {"targetFilePath: [\"/usr/*/x\"]", "takes a wildcard as its last component only"},
      {"targetFilePath: [/" + std::string(254, 'x') + "]", nullptr},
      {"targetFilePath: [/" + std::string(255, 'x') + "]", "is longer than 255 bytes"},
      {"containerImageName: [nginx, elastic-agent, a.b_c]", nullptr},
      {"containerImageName: [\"elastic-a*\"]", "no wildcard"},
      {"containerImageName: [Nginx]", "takes lower case letters"},
      {"containerImageName: [" + std::string(512, 'x') + "]", "is longer than 511 bytes"},
      {"containerImageFullName: [docker.io/library/nginx, \"r:5000/a\"]", nullptr},
      {"containerImageFullName: [nginx]", "must be a registry and a name"},
      {"containerImageFullName: [\"docker.io/*\"]", "must be a registry and a name"},
      {"containerImageTag: [\"1.25\", 1.2.3, v1, \"true\"]", nullptr},
      {"containerImageTag: [1.25]",
       "4:27: error: D4C: selector \"s\": containerImageTag 1.25 is no"},
      {"containerImageTag: [0x1f]", "is no text to YAML; write it in quotes, \"0x1f\""},
      {"containerImageTag: [-1]", "is no text to YAML"},
      {"containerImageTag: [1e3]", "is no text to YAML"},
      {"containerImageTag: [True]", "is no text to YAML"},
      {"containerImageTag: [.inf]", "is no text to YAML"},
      {"ignoreVolumeMounts: true\nignoreVolumeFiles: false",
       "5:7: error: D4C: selector \"s\": ignore"},
      {"operation: [createFile]\nignoreVolumeMounts: false\nignoreVolumeFiles: false",
       "6:7: error: D4C: selector \"s\": ignoreVolumeMounts and ignoreVolumeFiles cannot"},
      {"operation: [createFile]\nignoreVolumeMounts: false", nullptr},
      {"containerImageTag: [\"1.*\"]", "4:27: warning: "},
      {"kubernetesNamespace: [default]", nullptr},
      {"kubernetesNamespace: [\"d*\"]", "warning: "},
      {"kubernetesPodName: [\"web-*\"]", nullptr},
      {"kubernetesPodName: [\"*-web\"]", "takes a wildcard at its end only"},
      {"kubernetesPodName: [\"a*b*\"]", "takes a wildcard at its end only"},
      {"kubernetesPodLabel: [\"a.b/c:d*\", \"a:\", \"a:*\"]", nullptr},
      {"kubernetesPodLabel: [\"a:*b\"]", "must be key:value"},
      {"kubernetesPodLabel: [\"a_b:c\"]", "must be key:value"},
      {"operation: [createExecutable, createFile]", nullptr},
      {"operation: [execMemFd]", "error: D4C: selector \"s\": operation \"execMemFd\" was removed"},
      {"orchestratorNamespace: [a]", "write kubernetesNamespace"},
      {"orchestratorResourceLabel: [\"a:b\"]", "write kubernetesPodLabel, of which one"},
      {"orchestratorType: [kubernetes]", "is of the first form; remove it"},
  };
  for (const Value& value : values) {
    const std::string policy = file_policy(value.condition);
    EXPECT_THAT(problems(policy), ::testing::Not(Contains(HasSubstr("error")))) << value.condition;
    if (value.problem == nullptr) {
      EXPECT_THAT(d4c_problems(policy), ElementsAre()) << value.condition;
    } else {
      EXPECT_THAT(d4c_problems(policy), Contains(HasSubstr(value.problem))) << value.condition;
    }
  }
}

TEST(D4c, NamesAndVersionAreText) {
  const std::string policy =
      "version: 1.0\nfile:\n  selectors: [{name: 12, operation: [createFile]}]\n"
      "  responses: [{match: [12], actions: [alert]}]\n";
  EXPECT_THAT(problems(policy), ElementsAre());
  EXPECT_THAT(d4c_problems(policy),
              ElementsAre(HasSubstr("1:10: error: D4C: policy: version 1.0 is no text"),
                          HasSubstr("3:22: error: D4C: selector \"12\": name 12 is no text"),
                          HasSubstr("4:24: error: D4C: response 1: match 12 is no text")));
}

TEST(D4c, ProcessSelectors) {
  EXPECT_THAT(d4c_problems(process_policy("processExecutable: [/bin/*]\noperation: [exec]")),
              ElementsAre());
  EXPECT_THAT(d4c_problems(process_policy("processExecutable: [\"/bin/*sh\"]")),
              ElementsAre(HasSubstr("takes a wildcard as its last component only")));
  EXPECT_THAT(d4c_problems(process_policy("processName: [sixteen--letters]")),
              Contains(HasSubstr("error: D4C: selector \"s\": processName \"sixteen--letters\" is "
                                 "longer than 15 bytes")));
  EXPECT_THAT(d4c_problems(process_policy("processName: [sh]\nprocessExecutable: [/bin/sh]")),
              ElementsAre(HasSubstr("not both")));
}

TEST(D4c, TheFirstFormIsRefused) {
  EXPECT_THAT(d4c_problems("selectors: [{name: a, operation: [createExecutable]}]\n"
                           "responses: [{match: [a], actions: [alert]}]\n"),
              ElementsAre(HasSubstr("1:20: error: D4C: selectors and responses at the top level")));
}

TEST(D4c, SixtyFourSelectorsAndResponsesOfASection) {
  const auto policy = [](int selectors) {
    std::string text = "file:\n  selectors:\n";
    for (int i = 0; i < selectors; ++i)
      text += "    - {name: s" + std::to_string(i) + ", operation: [createFile]}\n";
    return text + "  responses: [{match: [s0], actions: [alert]}]\n";
  };
  EXPECT_THAT(d4c_problems(policy(63)), ElementsAre());
  EXPECT_THAT(d4c_problems(policy(64)),
              ElementsAre(HasSubstr("file has 65 selectors and responses, and 64 are the most")));
}

TEST(D4c, Names) {
  const auto policy = [](const std::string& name) {
    return "file:\n  selectors: [{name: " + name + ", operation: [createFile]}]\n" +
           "  responses: [{match: [" + name + "], actions: [alert]}]\n";
  };
  EXPECT_THAT(d4c_problems(policy("A-1_b")), ElementsAre());
  EXPECT_THAT(d4c_problems(policy("a b")), ElementsAre(HasSubstr("warning: D4C: selector")));
  EXPECT_THAT(d4c_problems(policy(std::string(128, 'a'))), ElementsAre());
  std::string accents;  // characters, not bytes
  for (int i = 0; i < 128; ++i) accents += "\u00E9";
  EXPECT_THAT(d4c_problems(policy(accents)), ElementsAre(HasSubstr("warning: D4C: selector")));
  EXPECT_THAT(d4c_problems(policy(std::string(129, 'a'))),
              ElementsAre(HasSubstr("longer than 128 characters")));
}

}  // namespace
}  // namespace holdfast::testing
