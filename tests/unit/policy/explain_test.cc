// The explain document of the contract.
#include <nlohmann/json.hpp>

#include "policy_samples.h"

namespace holdfast::testing {
namespace {

using Json = nlohmann::json;

const char* const kFile =
    "file:\n  selectors:\n"
    "    - {name: sel, operation: [createExecutable, modifyExecutable]}\n"
    "    - {name: other, containerImageName: [busybox], kubernetesNamespace: [default], "
    "containerImageTag: [x]}\n"
    "    - {name: cache, targetFilePath: [/usr/local/**]}\n"
    "  responses:\n"
    "    - {match: [sel], actions: [block, alert]}\n"
    "    - {match: [sel, other], exclude: [cache], actions: [log]}\n"
    "process:\n  selectors: [{name: run, operation: [exec]}]\n"
    "  responses: [{match: [run], actions: [log]}]\n";

TEST(Explain, IsTheDocumentOfTheContractInItsOrder) {
  EXPECT_EQ(
      valid(kFile)->explain(full_event()),
      "{\"decision\":\"block\",\"actions\":[\"alert\",\"block\"],\"responses\":["
      "{\"policy\":\"p.yml\",\"section\":\"file\",\"index\":0,\"matched\":[\"sel\"],\"excluded\":[]"
      ",\"applies\":true},"
      "{\"policy\":\"p.yml\",\"section\":\"file\",\"index\":1,\"matched\":[\"sel\"],\"excluded\":["
      "\"cache\"],\"applies\":false}],"
      "\"selectors\":["
      "{\"policy\":\"p.yml\",\"section\":\"file\",\"name\":\"sel\",\"matches\":true,\"failed\":[]},"
      "{\"policy\":\"p.yml\",\"section\":\"file\",\"name\":\"other\",\"matches\":false,"
      "\"failed\":[\"containerImageName\",\"containerImageTag\"]},"
      "{\"policy\":\"p.yml\",\"section\":\"file\",\"name\":\"cache\",\"matches\":true,\"failed\":[]"
      "}]}");
}

TEST(Explain, ListsTheSectionOfTheEvent) {
  Event event = full_event();
  event.operation = Operation::fork;
  const Json document = Json::parse(valid(kFile)->explain(event));
  EXPECT_EQ(document["decision"], "allow");
  EXPECT_EQ(document["actions"], Json::array());
  ASSERT_EQ(document["selectors"].size(), 1U);
  EXPECT_EQ(document["selectors"][0], (Json{{"policy", "p.yml"},
                                            {"section", "process"},
                                            {"name", "run"},
                                            {"matches", false},
                                            {"failed", {"operation"}}}));
  ASSERT_EQ(document["responses"].size(), 1U);
  EXPECT_EQ(document["responses"][0]["applies"], false);
  EXPECT_EQ(document["responses"][0]["matched"], Json::array());
}

TEST(Explain, FailedConditionsAreSpelledAsInThePolicyAndInItsOrder) {
  const std::string policy = file_policy(
      "kubernetesPodLabel: [\"a:b\"]\norchestratorNamespace: [x]\noperation: "
      "[deleteFile]\ntargetFilePath: [/x]\n"
      "ignoreVolumeMounts: true\ncontainerImageFullName: [r.io/x]\norchestratorClusterId: "
      "[x]\nkubernetesClusterName: [x]\n"
      "orchestratorType: [kubernetes]\nkubernetesPodName: [x]");
  const Json document = Json::parse(valid(policy)->explain(bare_event()));
  EXPECT_EQ(document["selectors"][0]["failed"],
            Json({"kubernetesPodLabel", "orchestratorNamespace", "operation", "targetFilePath",
                  "ignoreVolumeMounts", "containerImageFullName", "orchestratorClusterId",
                  "kubernetesClusterName", "orchestratorType", "kubernetesPodName"}));
}

TEST(Explain, FlatFormIsTheFileSection) {
  const std::string flat =
      "selectors: [{name: s, targetFilePath: [/usr/**]}]\nresponses: [{match: [s], actions: "
      "[alert]}]\n";
  Event event = full_event();
  Json document = Json::parse(valid(flat)->explain(event));
  EXPECT_EQ(document["decision"], "alert");
  EXPECT_EQ(document["selectors"][0]["section"], "file");
  event.operation = Operation::create_file;  // no operation of this form
  document = Json::parse(valid(flat)->explain(event));
  EXPECT_EQ(document["decision"], "allow");
  EXPECT_EQ(document["selectors"][0]["failed"], Json({"operation"}));
}

TEST(Explain, CountsWithinPolicyAndSection) {
  const std::string one = file_policy("operation: [createExecutable]");
  const auto set =
      compile_policies(
          {{"a.yml", one}, {"b\xFF.yml", one + "    - match: [s]\n      actions: [log]\n"}})
          .set;
  ASSERT_NE(set, nullptr);
  const Json document = Json::parse(set->explain(full_event()));
  EXPECT_EQ(document["actions"], Json({"alert", "log"}));
  ASSERT_EQ(document["responses"].size(), 3U);
  EXPECT_EQ(document["responses"][0]["policy"], "a.yml");
  EXPECT_EQ(document["responses"][1]["policy"], "b\uFFFD.yml");
  EXPECT_EQ(document["responses"][1]["index"], 0);
  EXPECT_EQ(document["responses"][2]["index"], 1);
  EXPECT_EQ(document["selectors"].size(), 2U);
}

// The engine decides by leaving out what cannot matter; explain looks at everything. They must
// agree.
TEST(Explain, AgreesWithDecide) {
  const auto set = valid(kFile);
  for (int operation = 0; operation < kOperationCount; ++operation) {
    for (const char* path : {"/usr/local/x", "/tmp/x"}) {
      for (Event event : {full_event(), bare_event()}) {
        event.operation = static_cast<Operation>(operation);
        event.path = path;
        const Json document = Json::parse(set->explain(event));
        const Decision decision = set->decide(event);
        Action strongest = Action::allow;
        for (const Json& response : document["responses"]) {
          if (!response["applies"]) continue;
          const bool logs = document["responses"].size() == 1 || response["index"] == 1;
          strongest = std::max(strongest, logs ? Action::log : Action::block);
        }
        EXPECT_EQ(strongest, decision.strongest) << document;
        EXPECT_EQ(document["decision"], to_string(decision.strongest));
      }
    }
  }
}

}  // namespace
}  // namespace holdfast::testing
