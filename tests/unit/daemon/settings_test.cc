#include "daemon/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace holdfast {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> problems(const std::string& text) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : parse_settings("s.yml", text).diagnostics)
    lines.push_back(diagnostic.to_string());
  return lines;
}

TEST(Settings, EmptyTextIsTheDefaults) {
  for (const char* text : {"", "# nothing\n", "{}"}) {
    const ParsedSettings parsed = parse_settings("s.yml", text);
    EXPECT_THAT(parsed.diagnostics, ElementsAre());
    EXPECT_THAT(parsed.settings.policies, ElementsAre("/etc/holdfast/policies"));
    EXPECT_EQ(parsed.settings.run_dir, "/run/holdfast");
    EXPECT_EQ(parsed.settings.rotate_keep, 4);
  }
}

TEST(Settings, EveryKeyIsRead) {
  const ParsedSettings parsed =
      parse_settings("s.yml",
                     "policies: [/a, /b.yml]\nrun_dir: /r\nlog_dir: /l\nalerts_file: /al\n"
                     "host_root: /proc/1/root\nruntime_binaries: [/opt/runc]\n"
                     "podman_storage: [/p]\ndocker_root: [/d]\noci_state: [/o1, /o2]\n"
                     "rotate_bytes: 65536\nrotate_keep: 0\nalert_queue: 1\ncompare_limit: 0\n"
                     "exec_watch: off\nfail_mode: deny\n");
  EXPECT_THAT(parsed.diagnostics, ElementsAre());
  const Settings& settings = parsed.settings;
  EXPECT_THAT(settings.policies, ElementsAre("/a", "/b.yml"));
  EXPECT_EQ(settings.run_dir, "/r");
  EXPECT_EQ(settings.log_dir, "/l");
  EXPECT_EQ(settings.alerts_file, "/al");
  EXPECT_EQ(settings.host_root, "/proc/1/root");
  EXPECT_THAT(settings.runtime_binaries, ElementsAre("/opt/runc"));
  EXPECT_THAT(settings.podman_storage, ElementsAre("/p"));
  EXPECT_THAT(settings.docker_root, ElementsAre("/d"));
  EXPECT_THAT(settings.oci_state, ElementsAre("/o1", "/o2"));
  EXPECT_EQ(settings.rotate_bytes, 65536U);
  EXPECT_EQ(settings.rotate_keep, 0);
  EXPECT_EQ(settings.alert_queue, 1U);
  EXPECT_EQ(settings.compare_limit, 0U);
  EXPECT_FALSE(settings.exec_watch);
  EXPECT_FALSE(settings.fail_allow);
}

TEST(Settings, WhoElseIsAsked) {
  EXPECT_EQ(parse_settings("s.yml", "").settings.kubernetes.kubelet, "");
  EXPECT_EQ(parse_settings("s.yml", "").settings.kubernetes.api, "");
  const ParsedSettings parsed = parse_settings(
      "s.yml",
      "node_name: n1\nkubernetes: {kubelet: 'https://127.0.0.1:10250', kubelet_ca: /k, api: auto, "
      "api_ca: /a, token_file: /t}\n");
  EXPECT_THAT(parsed.diagnostics, ElementsAre());
  EXPECT_EQ(parsed.settings.node_name, "n1");
  EXPECT_EQ(parsed.settings.kubernetes.kubelet, "https://127.0.0.1:10250");
  EXPECT_EQ(parsed.settings.kubernetes.kubelet_ca, "/k");
  EXPECT_EQ(parsed.settings.kubernetes.api, "auto");
  EXPECT_EQ(parsed.settings.kubernetes.api_ca, "/a");
  EXPECT_EQ(parsed.settings.kubernetes.token_file, "/t");
  EXPECT_THAT(problems("kubernetes: {kubelet: 'http://127.0.0.1:10255'}\n"), ElementsAre());
}

TEST(Settings, AServerThatCannotBeTrustedIsAnError) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"kubernetes: yes\n", "must be a map"},
      {"kubernetes: {kubelet: 'https://127.0.0.1:10250'}\n", "kubelet_ca is missing"},
      {"kubernetes: {kubelet: 'https://node:1', kubelet_ca: /k}\n", "it needs an IP address"},
      {"kubernetes: {kubelet: 'http://10.0.0.1:10255'}\n", "loopback"},
      {"kubernetes: {kubelet: auto}\n", "must begin with https"},
      {"kubernetes: {api: 'http://127.0.0.1:1'}\n", "must begin with https"},
      {"kubernetes: {token_file: t}\n", "not an absolute path"},
      {"kubernetes: {tokens: /t}\n", "unknown key \"kubernetes.tokens\""}};
  for (const auto& [text, problem] : mistakes) {
    EXPECT_THAT(problems(text), ElementsAre(HasSubstr(problem))) << text;
  }
}

TEST(Settings, MistakesAreAllReportedWhereTheyStand) {
  EXPECT_THAT(
      problems("rundir: /r\nrotate_keep: many\nlog_dir: logs\n"),
      ElementsAre(
          "s.yml:1:1: error: unknown key \"rundir\"; did you mean \"run_dir\"?",
          "s.yml:2:14: error: rotate_keep must be a whole number from 0 to 1000, not \"many\"",
          "s.yml:3:10: error: log_dir: \"logs\" is not an absolute path; begin it with \"/\""));
}

TEST(Settings, Mistakes) {
  const std::pair<const char*, const char*> cases[] = {
      {"[a]", "s.yml:1:1: error: settings are a map"},
      {"a: [", "error: malformed YAML"},
      {"whatever: 1", "unknown key \"whatever\"; remove it, or see docs/configuration.md"},
      {"run_dir: /a\nrun_dir: /b", "s.yml:2:1: error: duplicate key \"run_dir\""},
      {"policies: /a", "policies must be a list; write [\"/a\"]"},
      {"policies: []", "policies is empty"},
      {"policies:", "policies is empty"},
      {"policies: [a]", "\"a\" is not an absolute path"},
      {"run_dir:", "run_dir: \"\" is not an absolute path"},
      {"run_dir: [/a]", "run_dir must be a single string"},
      {"host_root: /host", "host_root: \"/host\" is unknown; use auto, / or /proc/1/root"},
      {"rotate_bytes: 65535", "rotate_bytes must be a whole number from 65536 to"},
      {"rotate_bytes: 64M", "rotate_bytes must be a whole number"},
      {"rotate_bytes: 99999999999999999999999", "rotate_bytes must be a whole number"},
      {"rotate_keep: 1001", "rotate_keep must be"},
      {"rotate_keep: -1", "rotate_keep must be"},
      {"rotate_keep: 1.5", "rotate_keep must be"},
      {"rotate_keep: \"4\"", "rotate_keep must be"},
      {"rotate_keep:", "s.yml:1:1: error: rotate_keep must be a whole number"},
      {"rotate_keep: [4]", "rotate_keep must be"},
      {"alert_queue: 0", "alert_queue must be a whole number from 1"},
      {"compare_limit: x", "compare_limit must be"},
  };
  for (const auto& [text, problem] : cases)
    EXPECT_THAT(problems(text), Contains(HasSubstr(problem))) << text;
}

TEST(Settings, StateDirMovesEverythingBelowIt) {
  Settings settings;
  settings.alerts_file = "/elsewhere";
  settings.use_state_dir("/tmp/d");
  EXPECT_EQ(settings.run_dir, "/tmp/d");
  EXPECT_EQ(settings.log_dir, "/tmp/d");
  EXPECT_EQ(settings.alerts_file, "");
}

TEST(LooksLikePolicy, TellsPoliciesFromSettings) {
  const std::string name = "/etc/holdfast/holdfast.yml";
  for (const char* text : {"file: {}", "process:", "selectors: []\nrun_dir: /x", "responses: []",
                           "version: 1", "fiel: {}", "# c\nselectrs: []"}) {
    EXPECT_TRUE(looks_like_policy(name, text)) << text;
  }
  for (const char* text : {"run_dir: /x", "policies: [/a]", "a: [", "whatever: 1", "rundir: 1",
                           "run_dir: /x\nfiel: 1"}) {
    EXPECT_FALSE(looks_like_policy("p.yml", text)) << text;
  }
  // The daemon takes settings that say nothing, and no such policy.
  for (const char* text : {"", "# nothing", "[file]", "file"}) {
    EXPECT_TRUE(looks_like_policy("/etc/holdfast/policies/p.yml", text)) << text;
    EXPECT_FALSE(looks_like_policy(name, text)) << text;
  }
}

std::string configuration_document() {
  std::ifstream stream("docs/configuration.md");
  EXPECT_TRUE(stream) << "docs/configuration.md: run the tests from the repository's root";
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(ConfigurationDocs, ExampleIsValid) {
  const std::string document = configuration_document();
  constexpr std::string_view kFence = "```yaml\n";
  const std::size_t start = document.find(kFence);
  ASSERT_NE(start, std::string::npos);
  const std::size_t end = document.find("```", start + kFence.size());
  ASSERT_NE(end, std::string::npos);
  const std::string example = document.substr(start + kFence.size(), end - start - kFence.size());
  EXPECT_THAT(problems(example), ElementsAre()) << example;
  EXPECT_EQ(parse_settings("s.yml", example).settings.rotate_keep, 8);
}

TEST(ConfigurationDocs, NamesEveryKeyAndDefault) {
  const std::string document = configuration_document();
  const Settings defaults;
  for (const auto& [key, value] : std::initializer_list<std::pair<std::string, std::string>>{
           {"policies", "[" + defaults.policies.front() + "]"},
           {"run_dir", defaults.run_dir},
           {"log_dir", defaults.log_dir},
           {"alerts_file", "alerts.ndjson"},
           {"host_root", defaults.host_root},
           {"runtime_binaries", ""},
           {"podman_storage", ""},
           {"docker_root", ""},
           {"oci_state", ""},
           {"rotate_bytes", std::to_string(defaults.rotate_bytes)},
           {"rotate_keep", std::to_string(defaults.rotate_keep)},
           {"alert_queue", std::to_string(defaults.alert_queue)},
           {"compare_limit", std::to_string(defaults.compare_limit)}}) {
    const std::size_t row = document.find("| `" + key + "` |");
    ASSERT_NE(row, std::string::npos) << key;
    const std::string line = document.substr(row, document.find('\n', row) - row);
    EXPECT_THAT(line, HasSubstr(value)) << key;
  }
}

}  // namespace
}  // namespace holdfast
