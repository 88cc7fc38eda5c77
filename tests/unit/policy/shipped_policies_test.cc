// The policies that are shipped and the examples of docs/policy.md do what they say.
// Run from the repository's root.
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "policy/language.h"
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
    for (const std::string_view name : {"- name: ", "- {name: "}) {
      if (!line.starts_with(name)) continue;
      names += (names.empty() ? "" : ", ") + line.substr(name.size(), line.find(',') - name.size());
    }
  }
  return text + "  responses:\n    - match: [" + names + "]\n      actions: [alert]\n";
}

TEST(PolicyDocs, ExamplesAreValid) {
  const std::string document = file_text("docs/policy.md");
  EXPECT_EQ(blocks(document, "yaml").size(), 3U);
  for (const std::string& policy : blocks(document, "yaml"))
    EXPECT_THAT(problems(policy), ElementsAre()) << policy;
  EXPECT_EQ(blocks(document, "yaml selector").size(), 5U);
  for (const std::string& selectors : blocks(document, "yaml selector")) {
    const std::string policy = selectors_policy("file", selectors);
    EXPECT_THAT(problems(policy), ElementsAre()) << policy;
  }
  EXPECT_EQ(blocks(document, "yaml process-selector").size(), 2U);
  for (const std::string& selectors : blocks(document, "yaml process-selector")) {
    const std::string policy = selectors_policy("process", selectors);
    EXPECT_THAT(problems(policy), ElementsAre()) << policy;
  }
}

TEST(PolicyDocs, EveryConditionHasAnExample) {
  const std::string document = file_text("docs/policy.md");
  std::string examples;
  for (const char* kind : {"yaml selector", "yaml process-selector"}) {
    for (const std::string& block : blocks(document, kind)) examples += block;
  }
  for (const ConditionSpec& spec : condition_specs()) {
    EXPECT_NE(examples.find(" " + std::string(spec.name) + ": "), std::string::npos) << spec.name;
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

// Below a comment each file of policies/examples is a block of the document.
TEST(ShippedPolicies, ExamplesAreThoseOfTheDocument) {
  const auto documented = blocks(file_text("docs/policy-tasks.md"), "yaml");
  std::vector<std::string> shipped;
  for (const char* name :
       {"pin-nginx.yml", "package-cache.yml", "one-namespace.yml", "from-d4c.yml"}) {
    const std::string text = file_text(std::string("policies/examples/") + name);
    EXPECT_THAT(problems(text), ElementsAre()) << name;
    shipped.push_back(text.substr(std::min(text.find("\n\n") + 2, text.size())));
  }
  EXPECT_EQ(shipped, documented);
}

TEST(ShippedPolicies, ExamplesDoWhatTheySay) {
  const auto decision = [](const char* name, Operation operation, const std::string& path,
                           const std::string& image, const std::string& namespace_) {
    Event event = full_event();
    auto workload = std::make_shared<Workload>(*event.workload);
    workload->container.image_name = image;
    workload->orchestrator.namespace_ = namespace_;
    event.workload = workload;
    event.operation = operation;
    event.path = path;
    return valid(file_text(std::string("policies/examples/") + name))->decide(event).strongest;
  };
  const std::string nginx = "docker.io/library/nginx";
  using enum Operation;
  EXPECT_EQ(decision("pin-nginx.yml", create_executable, "/tmp/x", nginx, "a"), Action::block);
  EXPECT_EQ(decision("pin-nginx.yml", modify_file, "/etc/nginx/x", nginx, "a"), Action::alert);
  EXPECT_EQ(decision("pin-nginx.yml", create_executable, "/tmp/x", "busybox", "a"), Action::allow);
  const std::string builder = "registry.example/ci/deb";
  EXPECT_EQ(decision("package-cache.yml", create_executable, "/var/cache/x", builder, "a"),
            Action::allow);
  EXPECT_EQ(decision("package-cache.yml", create_executable, "/usr/x", builder, "a"),
            Action::block);
  EXPECT_EQ(decision("package-cache.yml", create_executable, "/var/cache/x", nginx, "a"),
            Action::block);
  EXPECT_EQ(decision("one-namespace.yml", exec_memfd, "/memfd:x", nginx, "payments"),
            Action::block);
  EXPECT_EQ(decision("one-namespace.yml", exec_memfd, "/memfd:x", nginx, "default"), Action::alert);
  EXPECT_EQ(decision("from-d4c.yml", create_executable, "/x", nginx, "a"), Action::alert);
  EXPECT_EQ(decision("from-d4c.yml", exec, "/x", nginx, "a"), Action::log);
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
