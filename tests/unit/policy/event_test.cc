// Events as JSON: the form of the contract, alert documents, and malformed input.
#include "holdfast/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alert/alert_record.h"
#include "holdfast/decision.h"
#include "policy_samples.h"

namespace holdfast::testing {
namespace {

using ::testing::HasSubstr;

Event parsed(const std::string& text) {
  Result<Event> event = parse_event_json(text);
  if (!event) {
    ADD_FAILURE() << event.error().message();
    return bare_event();
  }
  return *event;
}

TEST(Names, OfOperationsGoBothWays) {
  for (int i = 0; i < kOperationCount; ++i) {
    const auto operation = static_cast<Operation>(i);
    EXPECT_EQ(parse_operation(to_string(operation)), operation);
  }
  EXPECT_EQ(to_string(Operation::exec_memfd), "execMemFd");
  EXPECT_EQ(to_string(Operation::delete_file), "deleteFile");
  EXPECT_EQ(parse_operation("createexecutable"), std::nullopt);
  EXPECT_EQ(parse_operation(""), std::nullopt);
}

TEST(Names, OfActions) {
  EXPECT_EQ(to_string(Action::allow), "allow");
  EXPECT_EQ(to_string(Action::log), "log");
  EXPECT_EQ(to_string(Action::alert), "alert");
  EXPECT_EQ(to_string(Action::block), "block");
}

TEST(EventJson, ReadsEveryMember) {
  const Event event = parsed(R"({"operation":"modifyExecutable","path":"/usr/local/bin/x",
    "container":{"id":"4f1c","name":"web-1","image":{"name":"docker.io/library/nginx","tag":"1.25"}},
    "orchestrator":{"type":"kubernetes","cluster":{"id":"i","name":"n"},"namespace":"default",
                    "resource":{"name":"nginx-7d4","label":{"app":"web","empty":""}}},
    "process":{"pid":41,"name":"cp","executable":"/bin/cp","interactive":true},
    "volume":"mount","unknown":[1]})");
  EXPECT_EQ(event.operation, Operation::modify_executable);
  EXPECT_EQ(event.path, "/usr/local/bin/x");
  EXPECT_EQ(event.workload->container.id, "4f1c");
  EXPECT_EQ(event.workload->container.name, "web-1");
  EXPECT_EQ(event.workload->container.image_name, "docker.io/library/nginx");
  EXPECT_EQ(event.workload->container.image_tag, "1.25");
  EXPECT_EQ(event.workload->orchestrator.type, "kubernetes");
  EXPECT_EQ(event.workload->orchestrator.cluster_id, "i");
  EXPECT_EQ(event.workload->orchestrator.cluster_name, "n");
  EXPECT_EQ(event.workload->orchestrator.namespace_, "default");
  EXPECT_EQ(event.workload->orchestrator.resource_name, "nginx-7d4");
  EXPECT_EQ(event.workload->orchestrator.resource_labels,
            (std::map<std::string, std::string>{{"app", "web"}, {"empty", ""}}));
  EXPECT_EQ(event.process.pid, 41);
  EXPECT_EQ(event.process.name, "cp");
  EXPECT_EQ(event.process.executable, "/bin/cp");
  EXPECT_EQ(event.process.interactive, true);
  EXPECT_EQ(event.volume, Volume::mount);
}

TEST(EventJson, WhatIsAbsentOrNullIsUnknown) {
  for (const char* text :
       {R"({"operation":"createFile","path":"/x"})",
        R"({"operation":"createFile","path":"/x","container":null,"process":{"name":null},
                               "orchestrator":{"resource":{"label":null}}})"}) {
    const Event event = parsed(text);
    ASSERT_NE(event.workload, nullptr);
    EXPECT_EQ(event.workload->container.image_tag, std::nullopt);
    EXPECT_EQ(event.workload->orchestrator.resource_labels, std::nullopt);
    EXPECT_EQ(event.process.pid, 0);
    EXPECT_EQ(event.process.name, std::nullopt);
    EXPECT_EQ(event.process.interactive, std::nullopt);
    EXPECT_EQ(event.volume, Volume::unknown);
  }
}

TEST(EventJson, NullVolumeIsNoVolume) {
  EXPECT_EQ(parsed(R"({"operation":"createFile","path":"/x","volume":null})").volume, Volume::none);
  EXPECT_EQ(parsed(R"({"operation":"createFile","path":"/x","volume":"file"})").volume,
            Volume::file);
}

TEST(EventJson, ProcessOperationsNeedNoPath) {
  EXPECT_EQ(parsed(R"({"operation":"fork"})").operation, Operation::fork);
  EXPECT_EQ(parsed(R"({"operation":"exec","path":"/bin/x"})").path, "/bin/x");
}

TEST(EventJson, ErrorsNameTheMember) {
  const std::string deep(100'000, '[');
  const std::pair<std::string, const char*> cases[] = {
      {"", "event: malformed JSON: "},
      {"{", "event: malformed JSON: column 2: Missing a name for object member."},
      {"{\n \"operation\" 1}", "event: malformed JSON: line 2, column 14: Missing a colon"},
      {"{} {}", "event: malformed JSON: column 4: "},
      {std::string("{}\0{", 4), "event: malformed JSON: column 3: A NUL byte"},
      {"{\"operation\":\"\xFF\"}", "event: malformed JSON: column 15: Not UTF-8."},
      {R"({"operation":"\udc00"})", "event: malformed JSON: column 22: Half of a surrogate pair"},
      {R"({"operation":"\ud800"})", "event: malformed JSON: column 15: The surrogate pair"},
      {deep, "event: malformed JSON: column 66: Too deeply nested."},
      {R"({"operation":")" + std::string("\x1F") + "\"}",
       "event: malformed JSON: column 15: Invalid escape character"},
      {"\xEF\xBB\xBF[]", "event: must be a JSON object, not array"},  // a byte order mark
      {"[]", "event: must be a JSON object, not array"},
      {"null", "event: must be a JSON object, not null"},
      {"{}", "event: no operation"},
      {R"({"operation":null})", "event: no operation"},
      {R"({"operation":1})", "event: operation must be a string, not number"},
      {R"({"operation":"create\nFile","path":"/x"})",
       "event: operation: unknown operation \"create\\x0AFile\""},
      {R"({"operation":"createFile"})", "event: no path"},
      {R"({"operation":"createFile","path":7})", "event: path must be a string, not number"},
      {R"({"operation":"createFile","path":"x"})",
       "event: path must be an absolute path, not \"x\""},
      {R"({"operation":"createFile","path":""})", "event: path must be an absolute path"},
      {R"({"operation":"createFile","path":"/x","container":"c"})",
       "event: container must be an object, not string"},
      {R"({"operation":"createFile","path":"/x","container":{"id":1}})",
       "event: container.id must be a string"},
      {R"({"operation":"createFile","path":"/x","container":{"image":[]}})",
       "event: container.image must be an object"},
      {R"({"operation":"createFile","path":"/x","container":{"image":{"tag":[1]}}})",
       "event: container.image.tag must be an array of strings"},
      {R"({"operation":"createFile","path":"/x","orchestrator":{"resource":{"label":{"a":1}}}})",
       "event: orchestrator.resource.label \"a\" must be a string, not number"},
      {R"({"operation":"createFile","path":"/x","orchestrator":{"resource":{"label":["a"]}}})",
       "event: orchestrator.resource.label must hold strings of the form key:value"},
      {R"({"operation":"createFile","path":"/x","orchestrator":{"resource":{"label":"a:b"}}})",
       "event: orchestrator.resource.label must be an object of strings, not string"},
      {R"({"operation":"createFile","path":"/x","process":{"pid":-1}})",
       "event: process.pid must be a process number, not -1"},
      {R"({"operation":"createFile","path":"/x","process":{"pid":[1]}})",
       "event: process.pid must be a process number, not array"},
      {R"({"operation":"createFile","path":"/x","orchestrator":{"resource":{"label":{"a\nb":1}}}})",
       R"(event: orchestrator.resource.label "a\x0Ab" must be a string, not number)"},
      {R"({"operation":"createFile","path":"/x","process":{"pid":1e3}})",
       "event: process.pid must be a process number"},
      {R"({"operation":"createFile","path":"/x","process":{"pid":99999999999}})",
       "event: process.pid"},
      {R"({"operation":"createFile","path":"/x","process":{"interactive":"no"}})",
       "event: process.interactive must be true or false, not string"},
      {R"({"operation":"createFile","path":"/x","volume":"disk"})",
       "event: volume must be null, \"mount\" or \"file\""},
      {R"({"operation":"createFile","path":"/x","volume":true})", "event: volume must be a string"},
      {R"({"holdfast":{"operation":"createFile"},"path":"/x"})", "event: no file.path"},
      {R"({"holdfast":{"operation":"make"},"file":{"path":"/x"}})",
       "event: holdfast.operation: unknown operation"},
      {R"({"holdfast":{"outcome":"unprotected"}})", "event: no operation"},
      {R"({"holdfast":1})", "event: holdfast must be an object"},
  };
  for (const auto& [text, problem] : cases) {
    const Result<Event> event = parse_event_json(text);
    ASSERT_FALSE(event) << text.substr(0, 100);
    EXPECT_THAT(event.error().message(), HasSubstr(problem)) << text.substr(0, 100);
    EXPECT_EQ(event.error().message().find('\n'), std::string::npos) << text.substr(0, 100);
  }
}

// What the daemon writes, it reads again as the same event.
TEST(AlertDocument, IsAcceptedAsAnEvent) {
  for (const Volume volume : {Volume::none, Volume::mount, Volume::file}) {
    AlertRecord record;
    record.event = full_event();
    record.event.operation = Operation::modify_executable;
    record.event.volume = volume;
    record.decision.alert = true;
    record.process.process.pid = 41;
    record.process.process.name = "cp";
    record.process.process.executable = "/bin/cp";
    record.process.process.interactive = true;
    const Event event = parsed(alert_document(record, HostFacts{}, "alerts", 1));
    EXPECT_EQ(event.operation, Operation::modify_executable);
    EXPECT_EQ(event.path, "/usr/local/bin/x");
    EXPECT_EQ(event.volume, volume);
    EXPECT_EQ(event.workload->container.id, "4f1c");
    EXPECT_EQ(event.workload->container.image_name, "docker.io/library/nginx");
    EXPECT_EQ(event.workload->container.image_tag, "1.25");
    EXPECT_EQ(event.workload->orchestrator.namespace_, "default");
    EXPECT_EQ(event.workload->orchestrator.resource_labels,
              full_event().workload->orchestrator.resource_labels);
    EXPECT_EQ(event.process.pid, 41);
    EXPECT_EQ(event.process.name, "cp");
    EXPECT_EQ(event.process.executable, "/bin/cp");
    EXPECT_EQ(event.process.interactive, true);
  }
}

TEST(AlertDocument, OfAMemoryFileMayHaveANameAlone) {
  const Event event = parsed(R"({"holdfast":{"operation":"execMemFd"},"file":{"name":"x"}})");
  EXPECT_EQ(event.operation, Operation::exec_memfd);
  EXPECT_EQ(event.path, "/memfd:x");
}

TEST(AlertDocument, TagMayBeAStringOrAnArray) {
  const std::string start =
      R"({"holdfast":{"operation":"createFile"},"file":{"path":"/x"},"container":{"image":{"tag":)";
  EXPECT_EQ(parsed(start + "\"1\"}}}").workload->container.image_tag, "1");
  EXPECT_EQ(parsed(start + "[\"1\",\"2\"]}}}").workload->container.image_tag, "1");
  EXPECT_EQ(parsed(start + "[]}}}").workload->container.image_tag, std::nullopt);
}

TEST(EventJson, NestingCannotExhaustTheStack) {
  const std::size_t levels = 1'000'000;
  const std::string deep = std::string(levels, '[') + std::string(levels, ']');
  for (const char* member : {"process", "container", "volume", "operation", "other"}) {
    const auto event =
        parse_event_json(R"({"operation":"exec",")" + std::string(member) + "\":" + deep + "}");
    ASSERT_FALSE(event);
    EXPECT_THAT(event.error().message(), HasSubstr("Too deeply nested."));
  }
}

}  // namespace
}  // namespace holdfast::testing
