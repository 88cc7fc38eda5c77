// The policies that are shipped and the examples of docs/policy.md do what they say.
// Run from the repository's root.
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "policy_samples.h"

namespace holdfast::testing {
namespace {

using ::testing::ElementsAre;

std::string file_text(const std::string& path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream) << path << ": run the tests from the repository's root";
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(ShippedPolicies, BlockDriftInEveryContainer) {
  const std::pair<const char*, Action> policies[] = {{"policies/block.yml", Action::block},
                                                     {"policies/default.yml", Action::alert}};
  for (const auto& [file, action] : policies) {
    EXPECT_THAT(problems(file_text(file)), ElementsAre()) << file;
    const auto set = valid(file_text(file));
    for (Event event : {full_event(), bare_event()}) {
      for (const Operation operation :
           {Operation::create_executable, Operation::modify_executable, Operation::exec_memfd}) {
        event.operation = operation;
        EXPECT_EQ(set->decide(event).strongest, action) << file << " " << to_string(operation);
        EXPECT_TRUE(set->decide(event).alert);
      }
      event.operation = Operation::exec_memfd;
      event.path = "/memfd:x (deleted)";
      EXPECT_EQ(set->decide(event).strongest, action);
      for (const Operation operation : {Operation::create_file, Operation::modify_file,
                                        Operation::delete_file, Operation::fork, Operation::exec}) {
        event.operation = operation;
        EXPECT_EQ(set->decide(event).strongest, Action::allow)
            << file << " " << to_string(operation);
      }
    }
  }
}

// The advice in the comments: remove the "#" signs.
TEST(ShippedPolicies, TheExclusionInTheirCommentsWorks) {
  for (const char* file : {"policies/block.yml", "policies/default.yml"}) {
    std::string text = file_text(file);
    for (const char* line :
         {"# - name: packageCache", "#   containerImageName", "#   targetFilePath", "# exclude:"}) {
      const std::size_t at = text.find(line);
      ASSERT_NE(at, std::string::npos) << line;
      text.erase(at, 2);
    }
    EXPECT_THAT(problems(text), ElementsAre()) << text;
    Event event = full_event();
    auto workload = std::make_shared<Workload>(*event.workload);
    workload->container.image_name = "docker.io/library/builder";
    event.workload = workload;
    event.path = "/var/cache/x";
    EXPECT_EQ(valid(text)->decide(event).strongest, Action::allow);
    event.path = "/usr/x";
    EXPECT_NE(valid(text)->decide(event).strongest, Action::allow);
  }
}

// The fenced blocks of a document whose info string is `kind`.
std::vector<std::string> blocks(const std::string& document, const std::string& kind) {
  std::vector<std::string> found;
  std::istringstream lines(document);
  bool inside = false;
  bool wanted = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
      wanted = inside && line == "```" + kind;
      if (wanted) found.emplace_back();
    } else if (wanted) {
      found.back() += line + "\n";
    }
  }
  return found;
}

std::string selectors_policy(const std::string& section, const std::string& selectors) {
  std::string text = section + ":\n  selectors:\n";
  std::istringstream lines(selectors);
  std::string names;
  for (std::string line; std::getline(lines, line);) {
    text += "    " + line + "\n";
    constexpr std::string_view kName = "- name: ";
    if (line.starts_with(kName)) names += (names.empty() ? "" : ", ") + line.substr(kName.size());
  }
  return text + "  responses:\n    - match: [" + names + "]\n      actions: [alert]\n";
}

TEST(PolicyDocs, ExamplesAreValid) {
  const std::string document = file_text("docs/policy.md");
  EXPECT_EQ(blocks(document, "yaml").size(), 3U);
  for (const std::string& policy : blocks(document, "yaml"))
    EXPECT_THAT(problems(policy), ElementsAre()) << policy;
  EXPECT_EQ(blocks(document, "yaml selector").size(), 4U);
  for (const std::string& selectors : blocks(document, "yaml selector")) {
    const std::string policy = selectors_policy("file", selectors);
    EXPECT_THAT(problems(policy), ElementsAre()) << policy;
  }
  EXPECT_EQ(blocks(document, "yaml process-selector").size(), 1U);
  for (const std::string& selectors : blocks(document, "yaml process-selector")) {
    const std::string policy = selectors_policy("process", selectors);
    EXPECT_THAT(problems(policy), ElementsAre()) << policy;
  }
}

// tests/benign shows that each of them does what it says.
TEST(PolicyDocs, RecipesAreValid) {
  const std::string document = file_text("docs/policy-recipes.md");
  EXPECT_EQ(blocks(document, "yaml").size(), 1U);
  for (const std::string& policy : blocks(document, "yaml"))
    EXPECT_THAT(problems(policy), ElementsAre()) << policy;
  EXPECT_EQ(blocks(document, "yaml recipe").size(), 10U);
  for (const std::string& selectors : blocks(document, "yaml recipe")) {
    const std::string policy = selectors_policy("file", selectors);
    EXPECT_THAT(problems(policy), ElementsAre()) << policy;
  }
}

TEST(PolicyDocs, TasksAreValid) {
  const std::string document = file_text("docs/policy-tasks.md");
  EXPECT_EQ(blocks(document, "yaml").size(), 4U);
  for (const std::string& policy : blocks(document, "yaml"))
    EXPECT_THAT(problems(policy), ElementsAre()) << policy;
  EXPECT_THAT(
      compile_policies({{"p.yml", blocks(document, "yaml").back()}}, PolicyRules::d4c).diagnostics,
      ::testing::IsEmpty());
}

TEST(PolicyDocs, ExplainExampleIsWhatExplainAnswers) {
  const std::string document = file_text("docs/policy.md");
  const auto policy = blocks(document, "yaml explain-policy");
  const auto event = blocks(document, "json explain-event");
  const auto answer = blocks(document, "json explain-answer");
  ASSERT_EQ(policy.size(), 1U);
  ASSERT_EQ(event.size(), 1U);
  ASSERT_EQ(answer.size(), 1U);
  const auto set = compile_policies({{"policy.yml", policy[0]}}).set;
  const auto parsed = parse_event_json(event[0]);
  ASSERT_NE(set, nullptr);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(nlohmann::json::parse(set->explain(*parsed)), nlohmann::json::parse(answer[0]));
}

}  // namespace
}  // namespace holdfast::testing
