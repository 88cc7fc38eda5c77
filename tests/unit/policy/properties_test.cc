// What must hold for every policy and every event, tried on random ones.
#include <algorithm>
#include <random>

#include "policy_samples.h"

namespace holdfast::testing {
namespace {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(engine_);
  }
  const char* of(const std::vector<const char*>& list) { return list[below(list.size())]; }
  template <typename T>
  void shuffle(std::vector<T>& list) {
    std::shuffle(list.begin(), list.end(), engine_);
  }

 private:
  std::mt19937 engine_;
};

// Conditions that a random event meets now and then.
std::string selector(Random& random, std::size_t number) {
  std::string text = "    - {name: s" + std::to_string(number);
  text += random.of({", operation: [createExecutable]", ", operation: [modifyExecutable]",
                     ", operation: [createExecutable, modifyExecutable, execMemFd]"});
  text += random.of({"", "", ", containerImageName: [nginx]", ", containerImageName: [\"n*\", x]",
                     ", containerImageFullName: [\"docker.io/**\"]"});
  text += random.of({"", "", ", targetFilePath: [/usr/**]",
                     ", targetFilePath: [/tmp/*, /usr/bin/a]", ", targetFilePath: [\"/**/a\"]"});
  text += random.of({"", "", ", kubernetesPodLabel: [\"app:w*\", \"x:y\"]",
                     ", orchestratorResourceLabel: [\"app:web\", \"env:*\"]"});
  text += random.of({"", "", ", kubernetesNamespace: [default]"});
  text += random.of({"", "", ", ignoreVolumeMounts: true", ", ignoreVolumeFiles: true"});
  return text + "}\n";
}

struct Rule {
  std::vector<std::string> match;
  std::vector<std::string> exclude;
  const char* actions;

  std::string text() const {
    const auto list = [](const std::vector<std::string>& names) {
      std::string joined;
      for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
      return joined;
    };
    return "    - {match: [" + list(match) + "]" +
           (exclude.empty() ? "" : ", exclude: [" + list(exclude) + "]") + ", actions: [" +
           actions + "]}\n";
  }
};

struct Policy {
  std::vector<std::string> selectors;
  std::vector<Rule> rules;

  std::string text() const {
    std::string text = "file:\n  selectors:\n";
    for (const std::string& selector : selectors) text += selector;
    text += "  responses:\n";
    for (const Rule& rule : rules) text += rule.text();
    return text;
  }
};

Policy random_policy(Random& random) {
  Policy policy;
  const std::size_t count = 2 + random.below(6);
  for (std::size_t i = 0; i < count; ++i) policy.selectors.push_back(selector(random, i));
  for (std::size_t i = 0; i < 1 + random.below(4); ++i) {
    Rule rule{{}, {}, random.of({"alert", "log", "alert, block"})};
    for (std::size_t s = 0; s < count; ++s) {
      const std::size_t where = random.below(4);
      if (where == 0) rule.exclude.push_back("s" + std::to_string(s));
      if (where > 1) rule.match.push_back("s" + std::to_string(s));
    }
    if (rule.match.empty()) rule = {{"s0"}, {}, rule.actions};
    policy.rules.push_back(rule);
  }
  return policy;
}

Event random_event(Random& random) {
  Event event = random.below(4) == 0 ? bare_event() : full_event();
  event.operation = static_cast<Operation>(random.below(3));
  event.path = random.of({"/usr/bin/a", "/usr/local/bin/x", "/tmp/a", "/tmp/x/a", "/a", "/opt/x"});
  event.volume = static_cast<Volume>(random.below(4));
  return event;
}

struct Answer {
  Action strongest;
  bool alert, block, log;
  std::vector<std::string> selectors;
  bool operator==(const Answer&) const = default;
};

Answer answer(const PolicySet& set, const Event& event) {
  const Decision decision = set.decide(event);
  Answer result{decision.strongest, decision.alert, decision.block, decision.log,
                decision.selectors};
  std::sort(result.selectors.begin(), result.selectors.end());
  return result;
}

constexpr unsigned kPolicies = 300;
constexpr int kEvents = 40;

TEST(Properties, OrderOfSelectorsAndResponsesChangesNoDecision) {
  std::size_t acted = 0;
  for (unsigned seed = 0; seed < kPolicies; ++seed) {
    Random random(seed);
    Policy policy = random_policy(random);
    const auto set = valid(policy.text());
    const std::string before = policy.text();
    random.shuffle(policy.selectors);
    random.shuffle(policy.rules);
    for (Rule& rule : policy.rules) {
      random.shuffle(rule.match);
      random.shuffle(rule.exclude);
    }
    const auto shuffled = valid(policy.text());
    ASSERT_TRUE(set && shuffled) << before;
    for (int i = 0; i < kEvents; ++i) {
      const Event event = random_event(random);
      const Answer expected = answer(*set, event);
      acted += expected.strongest != Action::allow ? 1 : 0;
      ASSERT_EQ(answer(*shuffled, event), expected) << before << policy.text();
    }
  }
  EXPECT_GT(acted, kPolicies * kEvents / 20);  // or nothing was tried
}

TEST(Properties, OneMoreExcludeNeverWidens) {
  std::size_t narrowed = 0;
  for (unsigned seed = 0; seed < kPolicies; ++seed) {
    Random random(1000 + seed);
    Policy policy = random_policy(random);
    const auto set = valid(policy.text());
    policy.selectors.push_back(selector(random, 99));
    policy.rules[random.below(policy.rules.size())].exclude.push_back("s99");
    const auto narrower = valid(policy.text());
    ASSERT_TRUE(set && narrower) << policy.text();
    for (int i = 0; i < kEvents; ++i) {
      const Event event = random_event(random);
      const Answer wide = answer(*set, event);
      const Answer narrow = answer(*narrower, event);
      ASSERT_LE(narrow.strongest, wide.strongest) << policy.text();
      ASSERT_TRUE((!narrow.alert || wide.alert) && (!narrow.block || wide.block) &&
                  (!narrow.log || wide.log))
          << policy.text();
      ASSERT_TRUE(std::includes(wide.selectors.begin(), wide.selectors.end(),
                                narrow.selectors.begin(), narrow.selectors.end()))
          << policy.text();
      narrowed += narrow.strongest < wide.strongest ? 1 : 0;
    }
  }
  EXPECT_GT(narrowed, 50U);
}

}  // namespace
}  // namespace holdfast::testing
