// Short policies, events and diagnostics for the tests of the policy pipeline.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "holdfast/policy.h"

namespace holdfast::testing {

inline CompiledPolicies compile(const std::string& text) {
  return compile_policies({{"p.yml", text}});
}

// "LINE:COL: error: TEXT" of every diagnostic.
inline std::vector<std::string> problems(const std::string& text) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : compile(text).diagnostics) {
    lines.push_back(diagnostic.to_string().substr(std::string("p.yml:").size()));
  }
  return lines;
}

// A selector "s" of the file section with these lines, matched by an alert response.
inline std::string file_policy(const std::string& conditions,
                               const std::string& actions = "alert") {
  std::string text = "file:\n  selectors:\n    - name: s\n";
  for (std::size_t start = 0; start < conditions.size();) {
    const std::size_t end = std::min(conditions.find('\n', start), conditions.size());
    text += "      " + conditions.substr(start, end - start) + "\n";
    start = end + 1;
  }
  return text + "  responses:\n    - match: [s]\n      actions: [" + actions + "]\n";
}

inline std::string process_policy(const std::string& conditions) {
  std::string text = file_policy(conditions);
  return text.replace(0, 4, "process");
}

inline std::shared_ptr<const PolicySet> valid(const std::string& text) {
  const CompiledPolicies compiled = compile(text);
  for (const Diagnostic& diagnostic : compiled.diagnostics) {
    if (diagnostic.severity == Diagnostic::Severity::error) ADD_FAILURE() << diagnostic.to_string();
  }
  return compiled.set;
}

// An event with every fact known.
inline Event full_event() {
  auto workload = std::make_shared<Workload>();
  workload->container = {"4f1c", "web-1", "docker.io/library/nginx", "1.25"};
  workload->orchestrator = {
      "kubernetes",
      "cluster-uid",
      "prod",
      "default",
      "nginx-7d4",
      std::map<std::string, std::string>{{"app", "web"}, {"env", "prod"}, {"empty", ""}}};
  Event event;
  event.operation = Operation::create_executable;
  event.path = "/usr/local/bin/x";
  event.workload = workload;
  event.process = {41, "cp", "/bin/cp", false};
  return event;
}

// An event of which only the operation and the path are known.
inline Event bare_event() {
  Event event;
  event.operation = Operation::create_executable;
  event.path = "/usr/local/bin/x";
  event.workload = std::make_shared<Workload>();
  event.volume = Volume::unknown;
  return event;
}

inline bool matches(const std::string& policy, const Event& event) {
  const auto set = valid(policy);
  return set && set->decide(event).strongest != Action::allow;
}

}  // namespace holdfast::testing
