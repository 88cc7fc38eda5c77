// What policies decide: every condition in both spellings, and the semantics of responses.
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "policy/language.h"
#include "policy_samples.h"

namespace holdfast::testing {
namespace {

using ::testing::ElementsAre;

TEST(Conditions, OfFileSelectors) {
  struct Case {
    const char* condition;
    bool matches;
  };
  const Case cases[] = {
      {"operation: [createExecutable]", true},
      {"operation: [modifyExecutable, createExecutable]", true},
      {"operation: [modifyExecutable]", false},
      {"containerImageName: [nginx]", true},
      {"containerImageName: [busybox, nginx]", true},
      {"containerImageName: [\"ng*\"]", true},
      {"containerImageName: [\"n*x\"]", true},
      {"containerImageName: [ngin]", false},
      {"containerImageName: [\"*library*\"]", false},
      {"containerImageFullName: [docker.io/library/nginx]", true},
      {"containerImageFullName: [\"docker.io/*\"]", true},
      {"containerImageFullName: [library/nginx]", false},
      {"containerImageTag: [\"1.25\"]", true},
      {"containerImageTag: [1.25]", true},
      {"containerImageTag: [\"1.*\"]", true},
      {"containerImageTag: [latest]", false},
      {"targetFilePath: [/usr/local/bin/x]", true},
      {"targetFilePath: [/tmp/**, /usr/local/**]", true},
      {"targetFilePath: [/usr/local/*]", false},
      {"targetFilePath: [/usr/local/bin/X]", false},
      {"ignoreVolumeMounts: true", true},
      {"ignoreVolumeFiles: true", true},
      {"orchestratorType: [kubernetes]", true},
      {"orchestratorClusterId: [cluster-uid]", true},
      {"kubernetesClusterId: [cluster-uid]", true},
      {"kubernetesClusterId: [other]", false},
      {"orchestratorClusterName: [prod]", true},
      {"kubernetesClusterName: [prod]", true},
      {"kubernetesClusterName: [test]", false},
      {"orchestratorNamespace: [default]", true},
      {"kubernetesNamespace: [\"def*\"]", true},
      {"kubernetesNamespace: [kube-system]", false},
      {"orchestratorResourceName: [\"nginx-*\"]", true},
      {"kubernetesPodName: [nginx-7d4]", true},
      {"kubernetesPodName: [nginx]", false},
      {"kubernetesPodLabel: [\"app:web\"]", true},
      {"kubernetesPodLabel: [\"app:w*\"]", true},
      {"kubernetesPodLabel: [\"app:*\"]", true},
      {"kubernetesPodLabel: [\"app:db\"]", false},
      {"kubernetesPodLabel: [\"app:\"]", false},
      {"kubernetesPodLabel: [\"empty:\"]", true},
      {"kubernetesPodLabel: [\"empty:*\"]", true},
      {"kubernetesPodLabel: [\"missing:*\"]", false},
      // One of kubernetesPodLabel is enough, all of orchestratorResourceLabel are needed.
      {"kubernetesPodLabel: [\"app:db\", \"env:prod\"]", true},
      {"orchestratorResourceLabel: [\"app:db\", \"env:prod\"]", false},
      {"orchestratorResourceLabel: [\"app:web\", \"env:*\"]", true},
      {"orchestratorResourceLabel: [\"app:web\", \"env:prod\", \"missing:*\"]", false},
      // Conditions are ANDed.
      {"containerImageName: [nginx]\ncontainerImageTag: [\"1.25\"]\ntargetFilePath: [/usr/**]",
       true},
      {"containerImageName: [nginx]\ncontainerImageTag: [latest]\ntargetFilePath: [/usr/**]",
       false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(matches(file_policy(c.condition), full_event()), c.matches) << c.condition;
  }
}

// Selectors that want all labels, with different numbers of them, beside some that want one.
TEST(Conditions, LabelsOfManySelectorsAreKeptApart) {
  const auto set = valid(
      "file:\n  selectors:\n"
      "    - {name: all3, orchestratorResourceLabel: [\"app:web\", \"env:p*\", \"empty:\"]}\n"
      "    - {name: all2, orchestratorResourceLabel: [\"env:prod\", \"app:db\"]}\n"
      "    - {name: all1, orchestratorResourceLabel: [\"app:*\"]}\n"
      "    - {name: twice, orchestratorResourceLabel: [\"app:w*\", \"app:*b\"]}\n"
      "    - {name: any, kubernetesPodLabel: [\"app:db\", \"env:test\", \"empty:*\"]}\n"
      "    - {name: none, kubernetesPodLabel: [\"app:db\", \"env:test\"]}\n"
      "  responses: [{match: [all3, all2, all1, twice, any, none], actions: [alert]}]\n");
  EXPECT_THAT(set->decide(full_event()).selectors, ElementsAre("all3", "all1", "twice", "any"));
}

TEST(Conditions, OfProcessSelectors) {
  Event event = full_event();
  event.operation = Operation::exec;
  EXPECT_TRUE(matches(process_policy("operation: [exec]"), event));
  EXPECT_FALSE(matches(process_policy("operation: [fork]"), event));
  EXPECT_TRUE(matches(process_policy("processName: [cp]"), event));
  EXPECT_FALSE(matches(process_policy("processName: [mv]"), event));
  EXPECT_TRUE(matches(process_policy("processExecutable: [/bin/*]"), event));
  EXPECT_TRUE(matches(process_policy("processExecutable: [/bin/cp]"), event));
  EXPECT_FALSE(matches(process_policy("processExecutable: [/usr/**]"), event));
  EXPECT_TRUE(matches(process_policy("sessionLeaderInteractive: false"), event));
  EXPECT_FALSE(matches(process_policy("sessionLeaderInteractive: true"), event));
  event.process.interactive = true;
  EXPECT_FALSE(matches(process_policy("sessionLeaderInteractive: false"), event));
  EXPECT_TRUE(matches(process_policy("sessionLeaderInteractive: true"), event));
  EXPECT_TRUE(matches(process_policy("containerImageName: [nginx]"), event));
}

// Every spelling of the language, in each section that has it, with an event that meets it and one
// that does not.
TEST(Conditions, EverySpellingCanHoldAndFail) {
  struct Case {
    const char* spelling;
    const char* holds;
    const char* fails;  // null: `holds` does, for the other event
  };
  const Case cases[] = {
      {"operation", "[OPERATION]", nullptr},
      {"containerImageName", "[nginx]", "[apache]"},
      {"containerImageFullName", "[docker.io/library/nginx]", "[docker.io/library/apache]"},
      {"containerImageTag", "[\"1.25\"]", "[\"1.26\"]"},
      {"targetFilePath", "[/usr/local/bin/*]", "[/usr/local/*]"},
      {"ignoreVolumeMounts", "true", nullptr},
      {"ignoreVolumeFiles", "true", nullptr},
      {"orchestratorType", "[kubernetes]", nullptr},
      {"orchestratorClusterId", "[cluster-uid]", "[cluster-ui]"},
      {"orchestratorClusterName", "[prod]", "[test]"},
      {"orchestratorNamespace", "[default]", "[\"kube-*\"]"},
      {"orchestratorResourceName", "[\"nginx-*\"]", "[nginx]"},
      {"orchestratorResourceLabel", "[\"app:web\", \"env:*\"]", "[\"app:web\", \"env:test\"]"},
      {"kubernetesClusterId", "[cluster-uid]", "[cluster-ui]"},
      {"kubernetesClusterName", "[prod]", "[test]"},
      {"kubernetesNamespace", "[default]", "[\"kube-*\"]"},
      {"kubernetesPodName", "[\"nginx-*\"]", "[nginx]"},
      {"kubernetesPodLabel", "[\"app:db\", \"env:prod\"]", "[\"app:db\", \"env:test\"]"},
      {"processExecutable", "[/bin/*]", "[/usr/**]"},
      {"processName", "[cp]", "[mv]"},
      {"sessionLeaderInteractive", "false", "true"},
  };
  std::size_t tried = 0;
  for (const ConditionSpec& spec : condition_specs()) {
    const auto* const found = std::find_if(std::begin(cases), std::end(cases),
                                           [&](const Case& c) { return c.spelling == spec.name; });
    ASSERT_NE(found, std::end(cases)) << spec.name;
    for (const bool file : {true, false}) {
      if (!(file ? spec.in_file : spec.in_process)) continue;
      Event event = full_event();
      Event other = event;
      event.operation = file ? Operation::create_executable : Operation::exec;
      other.operation = file ? Operation::modify_executable : Operation::fork;
      other.volume = Volume::file;
      auto workload = std::make_shared<Workload>(*other.workload);
      workload->orchestrator.type = "nomad";
      other.workload = workload;
      const auto holds = [&](std::string value, const Event& subject) {
        if (value == "[OPERATION]") value = file ? "[createExecutable]" : "[exec]";
        const std::string condition = std::string(spec.name) + ": " + value;
        return matches(file ? file_policy(condition) : process_policy(condition), subject);
      };
      EXPECT_TRUE(holds(found->holds, event)) << spec.name << " " << file;
      EXPECT_FALSE(found->fails != nullptr ? holds(found->fails, event)
                                           : holds(found->holds, other))
          << spec.name << " " << file;
      ++tried;
    }
  }
  EXPECT_EQ(tried, std::size(cases) + 15);  // those that both sections have are tried twice
}

TEST(Conditions, OnVolumes) {
  Event event = full_event();
  const auto holds = [&](const char* condition, Volume volume) {
    event.volume = volume;
    return matches(file_policy(condition), event);
  };
  EXPECT_TRUE(holds("ignoreVolumeMounts: true", Volume::none));
  EXPECT_FALSE(holds("ignoreVolumeMounts: true", Volume::mount));
  EXPECT_FALSE(holds("ignoreVolumeMounts: true", Volume::file));
  EXPECT_FALSE(holds("ignoreVolumeMounts: true", Volume::unknown));
  EXPECT_TRUE(holds("ignoreVolumeFiles: true", Volume::none));
  EXPECT_TRUE(holds("ignoreVolumeFiles: true", Volume::mount));
  EXPECT_FALSE(holds("ignoreVolumeFiles: true", Volume::file));
  EXPECT_FALSE(holds("ignoreVolumeFiles: true", Volume::unknown));
  EXPECT_TRUE(holds("ignoreVolumeMounts: false\noperation: [createExecutable]", Volume::file));
}

TEST(Conditions, UnknownFactsMatchNone) {
  for (const char* condition :
       {"containerImageName: [\"*\"]", "containerImageFullName: [\"*\"]",
        "containerImageTag: [\"*\", latest]", "ignoreVolumeMounts: true", "ignoreVolumeFiles: true",
        "orchestratorType: [kubernetes]", "kubernetesClusterId: [a]", "kubernetesClusterName: [a]",
        "kubernetesNamespace: [\"*\"]", "kubernetesPodName: [\"*\"]",
        "kubernetesPodLabel: [\"a:*\"]", "orchestratorResourceLabel: [\"a:*\"]"}) {
    EXPECT_FALSE(matches(file_policy(condition), bare_event())) << condition;
  }
  Event event = bare_event();
  event.operation = Operation::exec;
  for (const char* condition :
       {"processName: [cp]", "processExecutable: [/**]", "sessionLeaderInteractive: true",
        "sessionLeaderInteractive: false"}) {
    EXPECT_FALSE(matches(process_policy(condition), event)) << condition;
  }
  EXPECT_TRUE(matches(file_policy("operation: [createExecutable]"), bare_event()));
}

TEST(Conditions, NoOperationMeansAllOfTheForm) {
  const std::string sectioned = file_policy("targetFilePath: [/**]");
  const std::string flat =
      "selectors: [{name: s, targetFilePath: [/**]}]\nresponses: [{match: [s], actions: "
      "[alert]}]\n";
  const std::string process = process_policy("processExecutable: [/**]");
  for (int i = 0; i < kOperationCount; ++i) {
    Event event = full_event();
    event.operation = static_cast<Operation>(i);
    const bool is_process =
        event.operation == Operation::fork || event.operation == Operation::exec;
    const bool is_executable = i <= static_cast<int>(Operation::exec_memfd);
    EXPECT_EQ(matches(sectioned, event), !is_process) << to_string(event.operation);
    EXPECT_EQ(matches(flat, event), is_executable) << to_string(event.operation);
    EXPECT_EQ(matches(process, event), is_process) << to_string(event.operation);
  }
}

const char* const kTwoResponses =
    "file:\n"
    "  selectors:\n"
    "    - {name: all, operation: [createExecutable]}\n"
    "    - {name: tmp, targetFilePath: [/tmp/**]}\n"
    "    - {name: nginx, containerImageName: [nginx], operation: [createExecutable]}\n"
    "  responses:\n"
    "    - {match: [all], exclude: [tmp], actions: [alert]}\n"
    "    - {match: [nginx, all], actions: [log]}\n"
    "    - {match: [nginx], exclude: [tmp], actions: [alert, block]}\n";

TEST(Responses, EveryApplyingOneActsAndTheStrongestDecides) {
  const auto set = valid(kTwoResponses);
  const Decision decision = set->decide(full_event());
  EXPECT_EQ(decision.strongest, Action::block);
  EXPECT_TRUE(decision.alert && decision.block && decision.log);
  EXPECT_THAT(decision.selectors, ElementsAre("all", "nginx"));
  EXPECT_THAT(decision.policies, ElementsAre("p.yml"));
}

TEST(Responses, ExcludeHoldsForItsOwnResponse) {
  const auto set = valid(kTwoResponses);
  Event event = full_event();
  event.path = "/tmp/x";
  const Decision decision = set->decide(event);
  EXPECT_EQ(decision.strongest, Action::log);
  EXPECT_FALSE(decision.alert || decision.block);
  EXPECT_THAT(decision.selectors, ElementsAre("all", "nginx"));
}

TEST(Responses, NothingAppliesNothingIsTold) {
  const auto set = valid(kTwoResponses);
  Event event = full_event();
  event.operation = Operation::modify_executable;
  event.path = "/tmp/x";  // the exclude selector alone matches
  const Decision decision = set->decide(event);
  EXPECT_EQ(decision.strongest, Action::allow);
  EXPECT_FALSE(decision.alert || decision.block || decision.log);
  EXPECT_THAT(decision.selectors, ElementsAre());
  EXPECT_THAT(decision.policies, ElementsAre());
}

TEST(Responses, OfSeveralPoliciesAreInForceTogether) {
  const std::string alert = file_policy("operation: [createExecutable]");
  const std::string block =
      file_policy("targetFilePath: [/usr/**]\noperation: [createExecutable]", "alert, block");
  const std::string other = file_policy("operation: [deleteFile]");
  const auto set = compile_policies({{"a.yml", alert}, {"b.yml", block}, {"c.yml", other}}).set;
  ASSERT_NE(set, nullptr);
  const Decision decision = set->decide(full_event());
  EXPECT_EQ(decision.strongest, Action::block);
  EXPECT_THAT(decision.selectors, ElementsAre("s"));  // both are called so
  EXPECT_THAT(decision.policies, ElementsAre("a.yml", "b.yml"));
}

TEST(Responses, StrongestForForetellsWhatMarksAreNeeded) {
  const auto set = valid(
      "file:\n  selectors:\n    - {name: c, operation: [createExecutable], containerImageName: "
      "[x]}\n"
      "    - {name: m, operation: [modifyExecutable]}\n    - {name: d, operation: [deleteFile]}\n"
      "  responses:\n    - {match: [c], exclude: [d], actions: [alert, block]}\n    - {match: [m], "
      "actions: [alert]}\n"
      "    - {match: [m], actions: [log]}\n");
  EXPECT_EQ(set->strongest_for({Operation::create_executable}), Action::block);
  EXPECT_EQ(set->strongest_for({Operation::modify_executable}), Action::alert);
  EXPECT_EQ(set->strongest_for({Operation::modify_executable, Operation::create_executable}),
            Action::block);
  EXPECT_EQ(set->strongest_for({Operation::delete_file, Operation::exec, Operation::exec_memfd}),
            Action::allow);
  EXPECT_EQ(set->strongest_for({}), Action::allow);
}

TEST(Engine, DecidesInManyThreads) {
  const auto set = valid(kTwoResponses);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Event event = full_event();
      for (int i = 0; i < 3000; ++i) {
        const bool excluded = (i + t) % 2 == 0;
        event.path = (excluded ? "/tmp/f" : "/opt/f") + std::to_string(i);
        if (set->decide(event).strongest != (excluded ? Action::log : Action::block)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace holdfast::testing
