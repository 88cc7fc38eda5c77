// Recorded events read, decided again, and silenced by what is suggested.
#include "replay/replay.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "../policy/policy_samples.h"
#include "../policy/temp_policies.h"
#include "alert/alert_record.h"
#include "policy/event_reader.h"
#include "replay/generalise.h"
#include "replay/suggestion.h"

namespace holdfast::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

AlertRecord record(const Event& event, Outcome outcome) {
  AlertRecord record;
  record.event = event;
  record.outcome = outcome;
  record.process.process.name = "cp";
  record.process.process.executable = "/bin/cp";
  record.process.process.args = {"cp", "a", "b"};
  return record;
}

std::string line(const AlertRecord& record, const char* stream = "alerts") {
  return alert_document(record, HostFacts{}, stream, 1);
}

Event event_at(const std::string& path, const std::string& image = "docker.io/library/nginx",
               Operation operation = Operation::create_executable) {
  Event event = full_event();
  auto workload = std::make_shared<Workload>(*event.workload);
  workload->container.image_name = image;
  if (image.empty()) workload->container.image_name.reset();
  event.workload = workload;
  event.path = path;
  event.operation = operation;
  return event;
}

// The filter leaves members out; what it keeps must be what the whole document says.
TEST(RecordedEvent, ReadsAsTheWholeDocumentDoes) {
  for (const std::string& text :
       {line(record(full_event(), Outcome::blocked)), line(record(bare_event(), Outcome::alerted)),
        std::string(
            R"({"operation":"exec","process":{"pid":4,"interactive":true,"args":[{"name":1}]},
          "container":{"image":{"tag":["1"]}},"volume":"file","x":[[{"operation":"fork"}]]})")}) {
    const auto recorded = parse_recorded(text);
    const auto whole = event_from_json(nlohmann::json::parse(text));
    ASSERT_TRUE(recorded && *recorded && whole) << text;
    const Event& event = (*recorded)->event;
    EXPECT_EQ(event.operation, whole->operation);
    EXPECT_EQ(event.path, whole->path);
    EXPECT_EQ(event.volume, whole->volume);
    EXPECT_EQ(event.process.pid, whole->process.pid);
    EXPECT_EQ(event.process.executable, whole->process.executable);
    EXPECT_EQ(event.process.interactive, whole->process.interactive);
    EXPECT_EQ(event.workload->container.image_name, whole->workload->container.image_name);
    EXPECT_EQ(event.workload->container.image_tag, whole->workload->container.image_tag);
    EXPECT_EQ(event.workload->orchestrator.resource_labels,
              whole->workload->orchestrator.resource_labels);
  }
}

TEST(RecordedEvent, TellsWhatWasDone) {
  const auto was = [](Outcome outcome, const char* stream) {
    return (*parse_recorded(line(record(full_event(), outcome), stream)))->was;
  };
  EXPECT_EQ(was(Outcome::blocked, "alerts"), Action::block);
  EXPECT_EQ(was(Outcome::killed, "alerts"), Action::block);
  EXPECT_EQ(was(Outcome::alerted, "alerts"), Action::alert);
  EXPECT_EQ(was(Outcome::alerted, "file"), Action::log);
  EXPECT_EQ((*parse_recorded(R"({"operation":"createFile","path":"/x"})"))->was, std::nullopt);
}

TEST(RecordedEvent, CountsRepeatsAndLeavesOutWhatIsNoAct) {
  AlertRecord repeated = record(full_event(), Outcome::blocked);
  repeated.repeats = 4;
  EXPECT_EQ((*parse_recorded(line(repeated)))->count, 5U);
  EXPECT_FALSE(*parse_recorded(line(record(full_event(), Outcome::unprotected))));
  EXPECT_FALSE(*parse_recorded(R"({"holdfast":{"lost":3}})"));
  for (const char* text : {"", "x", "[]", "{}", "{\"operation\":\"createFile\"}", "{\"a\":"}) {
    EXPECT_FALSE(parse_recorded(text)) << text;
  }
}

struct Read {
  Replay replay;
  UnreadLines unread;
};

Read replay(const std::string& policy, const std::string& log, unsigned threads = 1) {
  const TempPolicies dir;
  const auto set = valid(policy);
  std::vector<Replay> parts(threads);
  const auto unread = each_recorded(
      {dir.write("log", log)}, threads,
      [&](unsigned thread, const RecordedEvent& event) { parts[thread].add(event, *set); });
  EXPECT_TRUE(unread);
  for (unsigned i = 1; i < threads; ++i) parts[0].merge(parts[i]);
  return {parts[0], *unread};
}

TEST(Replay, GroupsWhatWasAndWhatWouldBe) {
  const std::string log = line(record(event_at("/usr/a"), Outcome::blocked)) +
                          line(record(event_at("/usr/a"), Outcome::blocked)) + "\nbroken\n" +
                          line(record(event_at("/tmp/b"), Outcome::alerted)) +
                          line(record(event_at("/x"), Outcome::unprotected));
  const Read read = replay(file_policy("targetFilePath: [/tmp/**]"), log);
  const auto document = nlohmann::json::parse(read.replay.json(read.unread));
  EXPECT_EQ(document["events"], 3);
  EXPECT_EQ(document["changed"], 2);
  EXPECT_EQ(document["other"], 1);
  EXPECT_EQ(document["malformed"], 1);
  ASSERT_EQ(document["groups"].size(), 2U);
  EXPECT_EQ(document["groups"][0], (nlohmann::json{{"image", "docker.io/library/nginx"},
                                                   {"operation", "createExecutable"},
                                                   {"path", "/usr/a"},
                                                   {"process", "/bin/cp"},
                                                   {"was", "block"},
                                                   {"would", "allow"},
                                                   {"changed", true},
                                                   {"count", 2}}));
  EXPECT_EQ(document["groups"][1]["was"], "alert");
  EXPECT_EQ(document["groups"][1]["would"], "alert");
  EXPECT_THAT(read.replay.table(read.unread),
              HasSubstr("! block -> allow  2 x createExecutable /usr/a by /bin/cp in "
                        "docker.io/library/nginx\n"));
}

// As the daemon does: what it opened for writing is a file as well.
TEST(Replay, AnActOnAnExecutableIsOneOnAFile) {
  const std::string policy = file_policy("operation: [createFile]\ntargetFilePath: [/usr/**]");
  AlertRecord seen = record(event_at("/usr/a"), Outcome::alerted);
  seen.mechanism = Mechanism::open_gate;
  AlertRecord run = record(event_at("/usr/b"), Outcome::alerted);
  run.mechanism = Mechanism::exec_gate;  // runs it and writes nothing
  const Read read = replay(policy, line(seen) + line(run));
  EXPECT_THAT(read.replay.table(read.unread),
              HasSubstr("  alert -> alert  1 x createExecutable /usr/a "));
  EXPECT_THAT(read.replay.table(read.unread),
              HasSubstr("! alert -> allow  1 x createExecutable /usr/b "));
}

TEST(Replay, ThreadsReadEveryLineOnce) {
  std::string log;
  for (int i = 0; i < 5000; ++i) {
    log += line(record(event_at("/usr/" + std::to_string(i % 7)), Outcome::alerted));
  }
  log.pop_back();  // the last line need not be ended
  const std::string policy = file_policy("operation: [createExecutable]", "alert, block");
  const Read one = replay(policy, log, 1);
  const Read four = replay(policy, log, 4);
  EXPECT_EQ(nlohmann::json::parse(one.replay.json(one.unread))["events"], 5000);
  EXPECT_EQ(one.replay.json(one.unread), four.replay.json(four.unread));
}

TEST(Replay, TheFirstLineNotUnderstoodIsNamed) {
  std::string log;
  for (int i = 1; i <= 9000; ++i) {
    log += i == 4000 || i == 8000 ? std::string("{\"operation\":}\n")
                                  : line(record(event_at("/usr/x"), Outcome::alerted));
  }
  const Read read = replay(file_policy("operation: [createExecutable]"), log, 4);
  EXPECT_EQ(read.unread.malformed, 2);
  EXPECT_THAT(read.unread.first,
              EndsWith(":4000: event: malformed JSON: column 14: Invalid value."));
}

TEST(Replay, GroupsAreBounded) {
  std::string log;
  for (std::size_t i = 0; i < Replay::kMaxGroups + 500; ++i) {
    log += R"({"operation":"createFile","path":"/tmp/)" + std::to_string(i) + "\"}\n";
  }
  const Read read = replay(file_policy("operation: [createFile]"), log);
  const auto document = nlohmann::json::parse(read.replay.json(read.unread));
  EXPECT_EQ(document["events"], Replay::kMaxGroups + 500);
  EXPECT_EQ(document["groups"].size(), Replay::kMaxGroups + 1);
  EXPECT_EQ(document["groups"][0]["path"], "/tmp/...");
  EXPECT_EQ(document["groups"][0]["count"], 500);
}

std::vector<std::string> patterns(const std::set<std::string>& paths) {
  std::vector<std::string> list;
  for (const SuggestedPath& path : generalise(paths)) list.push_back(path.pattern);
  return list;
}

TEST(Generalise, NumbersAndDirectoriesWithinOneComponent) {
  EXPECT_THAT(patterns({"/usr/bin/a"}), ElementsAre("/usr/bin/a"));
  EXPECT_THAT(patterns({"/usr/bin/a1", "/usr/bin/b1"}), ElementsAre("/usr/bin/a1", "/usr/bin/b1"));
  EXPECT_THAT(patterns({"/tmp/libx1.2.so", "/tmp/libx1.33.so"}), ElementsAre("/tmp/libx1.*.so"));
  EXPECT_THAT(patterns({"/a/b1/x", "/a/b2/x"}), ElementsAre("/a/b*/x"));
  EXPECT_THAT(patterns({"/d/a", "/d/b", "/d/c", "/d/d", "/d/e", "/e/a"}),
              ElementsAre("/d/*", "/e/a"));
  EXPECT_THAT(patterns({"/a", "/b", "/c", "/d", "/e"}), ElementsAre("/a", "/b", "/c", "/d", "/e"));
}

TEST(Generalise, WhatIsWiderThanAComponentSaysSo) {
  std::set<std::string> paths;
  for (char c = 'a'; c <= 'z'; ++c) {
    for (const char* name : {"x", "y"}) paths.insert(std::string("/opt/app/") + c + "/" + name);
  }
  const auto suggested = generalise(paths);
  ASSERT_EQ(suggested.size(), 1U);
  EXPECT_EQ(suggested[0].pattern, "/opt/app/**");
  EXPECT_THAT(suggested[0].remark, HasSubstr("WIDE"));
}

// Any log: the suggested policy is valid, silences all of it that can be named, and nothing of
// another image, another operation, or outside the directories that were seen.
TEST(Suggestion, SilencesTheLogAndNothingElse) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  const std::vector<std::string> names = {
      "a",  "b1",  "b2",         "lib1.2.so", "lib1.3.so", "c d",  "é",  "\"q",     "#",
      "-y", ": z", "\U0001F600", "\u00A0",    "\u2028",    "\x7F", "\\", "\\ud83d", "x*"};
  const std::vector<std::string> images = {"docker.io/library/nginx", "r.io:5000/a/b", "busybox",
                                           ""};
  std::size_t unseen = 0;
  for (int round = 0; round < 100; ++round) {
    // Every other log has no name with a wildcard in it, and all images known: nothing is wide.
    const std::size_t last = round % 2;
    const auto name = [&] { return names[below(names.size() - last)]; };
    const auto image = [&] { return images[below(images.size() - last)]; };
    Suggestion suggestion;
    std::vector<Event> seen;
    for (std::size_t i = 0; i < 1 + below(60); ++i) {
      std::string path;
      for (std::size_t depth = 0; depth < 1 + below(4); ++depth) path += "/" + name();
      const Event event = event_at(path, image(), static_cast<Operation>(below(4)));
      seen.push_back(event);
      suggestion.add({event, below(2) == 0 ? Action::alert : Action::block, 1});
    }
    const std::string text = suggestion.policy();
    const auto set = valid(text);
    ASSERT_NE(set, nullptr) << text;
    for (const Event& event : seen) {
      ASSERT_EQ(set->decide(event).strongest, Action::allow) << event.path << "\n" << text;
      Event other = event;  // an image, and a place, that nobody saw
      other.operation = Operation::create_executable;
      other.path = "/elsewhere" + event.path + "/deeper/still";
      ASSERT_NE(set->decide(other).strongest, Action::allow) << other.path << "\n" << text;
    }
    // Silent is what was seen, or, numbers apart, what stands beside it; or the policy says so.
    const auto place = [](const Event& event) {
      std::string text = event.workload->container.image_name.value_or("") + " " +
                         std::string(to_string(event.operation)) + " ";
      for (const char c : event.path.substr(0, event.path.rfind('/')))
        text += std::isdigit(static_cast<unsigned char>(c)) != 0 ? '0' : c;
      return text;
    };
    std::set<std::string> places;
    for (const Event& event : seen) places.insert(place(event));
    for (int i = 0; last == 1 && text.find("WIDE") == std::string::npos && i < 40; ++i) {
      std::string path;
      for (std::size_t depth = 0; depth < 1 + below(4); ++depth) path += "/" + name();
      const Event other = event_at(path, image(), static_cast<Operation>(below(3)));
      if (!places.contains(place(other))) {
        ASSERT_NE(set->decide(other).strongest, Action::allow) << place(other) << "\n" << text;
        ++unseen;
      }
    }
    const bool unknown_image = text.find("WIDE: the image") != std::string::npos;
    Event stranger = event_at(seen.front().path, "docker.io/other/image");
    if (!unknown_image) {
      ASSERT_NE(set->decide(stranger).strongest, Action::allow) << text;
    }
  }
  EXPECT_GT(unseen, 500U);  // or nothing was tried
}

TEST(Suggestion, SaysWhatItCannotSilence) {
  Suggestion suggestion;
  suggestion.add({event_at("/a/**/b"), Action::block, 3});
  suggestion.add({event_at("/a", "nginx:1"), Action::block, 2});
  const std::string text = suggestion.policy();
  EXPECT_THAT(text, HasSubstr("# Not silenced: 3 acts, the path cannot stand in a policy."));
  EXPECT_THAT(text,
              HasSubstr("# Not silenced: 2 acts, the image's name cannot stand in a policy."));
  const auto set = valid(text);
  ASSERT_NE(set, nullptr);
  EXPECT_EQ(set->decide(event_at("/a", "nginx:1")).strongest, Action::block);
}

TEST(Suggestion, OfAnEmptyLogIsAValidPolicy) { EXPECT_NE(valid(Suggestion().policy()), nullptr); }

}  // namespace
}  // namespace holdfast::testing
