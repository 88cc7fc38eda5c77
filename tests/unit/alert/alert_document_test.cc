#include <set>

#include "alert/alert_message.h"
#include "alert/lost_document.h"
#include "alert_samples.h"

namespace holdfast {
namespace {

using nlohmann::json;

TEST(AlertDocument, IsOneLine) {
  AlertRecord record = sample_record();
  record.event.path = "/tmp/two\nlines";
  const std::string line = alert_document(record, sample_host(), "alerts", 7);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(json::parse(line)["file"]["path"], "/tmp/two\nlines");
}

// The whole document, so that a field that changes or disappears is noticed.
TEST(AlertDocument, BlockedCreation) {
  json document = document_of(sample_record());
  const std::string id = document["event"]["id"];
  EXPECT_EQ(id.size(), 32U);
  document["event"].erase("id");
  const auto process = [](int pid, const std::string& name) {
    return json{{"pid", pid},
                {"name", name},
                {"executable", "/bin/" + name},
                {"args", {name, "-v"}},
                {"working_directory", "/srv"},
                {"start", "2023-10-25T17:32:31.000Z"},
                {"user", {{"id", "33"}}},
                {"group", {{"id", "34"}}},
                {"interactive", false},
                {"entity_id", "id-of-" + name}};
  };
  json cp = process(4711, "cp");
  cp["command_line"] = "cp -v";
  cp["parent"] = process(4700, "sh");
  cp["session_leader"] = process(4700, "sh");
  cp["session_leader"]["same_as_process"] = false;
  cp["group_leader"] = process(4711, "cp");
  cp["group_leader"]["same_as_process"] = true;
  cp["entry_leader"] = cp["session_leader"];
  cp["entry_leader"]["entry_meta"]["type"] = "container";
  const json expected = {
      {"@timestamp", "2023-03-20T16:03:59.520Z"},
      {"message", "Blocked creation of executable /tmp/x.sh by cp in container web-1 (nginx:1.25)"},
      {"ecs", {{"version", "8.7.0"}}},
      {"data_stream",
       {{"type", "logs"}, {"dataset", "cloud_defend.alerts"}, {"namespace", "default"}}},
      {"event",
       {{"kind", "alert"},
        {"module", "cloud_defend"},
        {"dataset", "cloud_defend.alerts"},
        {"category", json::array({"file"})},
        {"type", {"creation", "denied"}},
        {"action", "creation"},
        {"outcome", "failure"},
        {"sequence", 7},
        {"created", "2023-03-20T16:03:59.520Z"},
        {"ingested", "2023-03-20T16:03:59.520Z"}}},
      {"agent",
       {{"type", "holdfast"},
        {"id", "0123456789abcdef0123456789abcdef"},
        {"name", "node-1"},
        {"version", "1.2.3"}}},
      {"host",
       {{"name", "node-1"},
        {"hostname", "node-1"},
        {"id", "0123456789abcdef0123456789abcdef"},
        {"architecture", "x86_64"},
        {"boot", {{"id", "58842e5e-4780-43fa-be88-e935d902266f"}}},
        {"pid_ns_ino", "4026531836"},
        {"os",
         {{"type", "linux"},
          {"name", "Debian GNU/Linux"},
          {"platform", "debian"},
          {"version", "12"},
          {"kernel", "6.1.0-18-amd64"}}}}},
      {"container",
       {{"id", "4fa6e0f0c678d5ca1d9a5c1bf9f2a2d3c0ffee00c0ffee00c0ffee00c0ffee00"},
        {"name", "web-1"},
        {"image", {{"name", "docker.io/library/nginx"}, {"tag", json::array({"1.25"})}}}}},
      {"file",
       {{"path", "/tmp/x.sh"},
        {"name", "x.sh"},
        {"directory", "/tmp"},
        {"extension", "sh"},
        {"mode", "0755"},
        {"type", "file"},
        {"inode", "77"},
        {"size", 12},
        {"uid", "33"},
        {"gid", "34"}}},
      {"process", cp},
      {"user", {{"id", "33"}}},
      {"group", {{"id", "34"}}},
      {"cloud_defend",
       {{"matched_selectors", json::array({"anyExecutable"})}, {"hook_point", "lsm__file_open"}}},
      {"holdfast",
       {{"operation", "createExecutable"},
        {"mechanism", "open_gate"},
        {"outcome", "blocked"},
        {"policy", json::array({"block.yml"})},
        {"reason", "never part of the image"}}},
  };
  EXPECT_EQ(document, expected) << json::diff(expected, document).dump(1);
}

TEST(AlertDocument, IdsAreUnique) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(document_of(sample_record())["event"]["id"]);
  EXPECT_EQ(ids.size(), 1000U);
}

struct KindCase {
  Operation operation;
  std::optional<Mechanism> mechanism;
  Outcome outcome;
  const char* category;
  std::vector<std::string> types;
  const char* action;
  const char* event_outcome;
};

TEST(AlertDocument, KindPerOperation) {
  using enum Operation;
  using M = Mechanism;
  using O = Outcome;
  const KindCase cases[] = {
      {create_executable,
       M::open_gate,
       O::blocked,
       "file",
       {"creation", "denied"},
       "creation",
       "failure"},
      {create_executable, M::change_watch, O::alerted, "file", {"creation"}, "creation", "success"},
      {create_executable,
       M::exec_gate,
       O::blocked,
       "process",
       {"start", "denied"},
       "exec",
       "failure"},
      {create_executable,
       M::exec_watch,
       O::killed,
       "process",
       {"start", "denied"},
       "exec",
       "failure"},
      {modify_executable,
       M::open_gate,
       O::blocked,
       "file",
       {"change", "denied"},
       "open",
       "failure"},
      {modify_executable,
       M::change_watch,
       O::alerted,
       "file",
       {"change"},
       "modification",
       "success"},
      {modify_file, M::open_gate, O::alerted, "file", {"change"}, "open", "success"},
      {create_file, M::seccomp, O::alerted, "file", {"creation"}, "creation", "success"},
      {delete_file, M::seccomp, O::blocked, "file", {"deletion", "denied"}, "deletion", "failure"},
      {exec_memfd, M::memfd_gate, O::blocked, "process", {"denied"}, "execMemFd", "failure"},
      {exec_memfd,
       M::exec_watch,
       O::killed,
       "process",
       {"start", "denied"},
       "execMemFd",
       "failure"},
      {exec_memfd, M::memfd_gate, O::alerted, "process", {"start"}, "execMemFd", "success"},
      {exec, M::exec_gate, O::blocked, "process", {"start", "denied"}, "exec", "failure"},
      {fork, std::nullopt, O::alerted, "process", {"start"}, "fork", "success"},
  };
  for (const KindCase& kind : cases) {
    AlertRecord record = sample_record();
    record.event.operation = kind.operation;
    record.mechanism = kind.mechanism;
    record.outcome = kind.outcome;
    const json event = document_of(record)["event"];
    SCOPED_TRACE(event.dump());
    EXPECT_EQ(event["category"], json::array({kind.category}));
    EXPECT_EQ(event["type"], json(kind.types));
    EXPECT_EQ(event["action"], kind.action);
    EXPECT_EQ(event["outcome"], kind.event_outcome);
  }
}

TEST(AlertDocument, StreamsOfTheLogAction) {
  for (const char* stream : {"file", "process"}) {
    const json document = document_of(sample_record(), stream);
    EXPECT_EQ(document["event"]["kind"], "event");
    EXPECT_EQ(document["data_stream"]["dataset"], std::string("cloud_defend.") + stream);
  }
}

TEST(AlertDocument, HookPointOnlyWhereTrue) {
  AlertRecord record = sample_record();
  record.mechanism = Mechanism::exec_gate;
  EXPECT_FALSE(document_of(record)["cloud_defend"].contains("hook_point"));
}

// No null, no empty text, no empty object or array anywhere.
void expect_no_blanks(const json& value, const std::string& where) {
  EXPECT_FALSE(value.is_null()) << where;
  EXPECT_FALSE(value.is_string() && value == "") << where;
  if (!value.is_structured()) return;
  EXPECT_FALSE(value.empty()) << where;
  for (const auto& [key, child] : value.items()) expect_no_blanks(child, where + "/" + key);
}

TEST(AlertDocument, UnknownFactsAreAbsent) {
  AlertRecord bare;
  bare.event.path = "/x";
  bare.event.workload = std::make_shared<Workload>(Workload{.container = {.id = "c1"}});
  const json document = json::parse(alert_document(bare, HostFacts{}, "alerts", 1));
  expect_no_blanks(document, "");
  for (const char* key : {"process", "user", "group", "orchestrator", "cloud_defend"}) {
    EXPECT_FALSE(document.contains(key)) << key;
  }
  EXPECT_EQ(document["file"], (json{{"path", "/x"}, {"name", "x"}, {"directory", "/"}}));
  EXPECT_EQ(document["container"], (json{{"id", "c1"}}));
  expect_no_blanks(document_of(sample_record()), "");

  AlertRecord nobody = bare;
  nobody.event.workload = nullptr;
  EXPECT_FALSE(document_of(nobody).contains("container"));
}

TEST(AlertDocument, EventFactsStandInForAProcessThatIsGone) {
  AlertRecord record = sample_record();
  record.process = {};
  record.event.process = {.pid = 9, .name = "mv", .executable = "/bin/mv", .interactive = true};
  const json document = document_of(record);
  EXPECT_EQ(document["process"],
            (json{{"pid", 9}, {"name", "mv"}, {"executable", "/bin/mv"}, {"interactive", true}}));
  EXPECT_NE(std::string(document["message"]).find(" by mv in "), std::string::npos);
}

TEST(AlertDocument, Orchestrator) {
  AlertRecord record = sample_record();
  auto workload = std::make_shared<Workload>(*record.event.workload);
  workload->orchestrator = {.type = "kubernetes",
                            .cluster_id = "c-1",
                            .cluster_name = "prod",
                            .namespace_ = "shop",
                            .resource_name = "web-7d4",
                            .resource_labels = {{{"app", "web"}, {"empty", ""}}}};
  record.event.workload = workload;
  const json document = document_of(record);
  EXPECT_EQ(document["orchestrator"],
            (json{{"type", "kubernetes"},
                  {"cluster", {{"id", "c-1"}, {"name", "prod"}}},
                  {"namespace", "shop"},
                  {"resource",
                   {{"type", "pod"}, {"name", "web-7d4"}, {"label", {"app:web", "empty:"}}}}}));
  EXPECT_EQ(document["message"],
            "Blocked creation of executable /tmp/x.sh by cp in pod shop/web-7d4, container web-1 "
            "(nginx:1.25)");
}

// `explain` and `replay` decide alerts again: the facts a policy asks for survive.
TEST(AlertDocument, IsReadBackAsTheEvent) {
  AlertRecord record = sample_record();
  auto workload = std::make_shared<Workload>(*record.event.workload);
  workload->orchestrator = {.type = "kubernetes",
                            .namespace_ = "shop",
                            .resource_name = "web-7d4",
                            .resource_labels = {{{"app", "web:1"}, {"empty", ""}}}};
  record.event.workload = workload;
  record.event.volume = Volume::file;
  const Result<Event> event = parse_event_json(alert_document(record, sample_host(), "alerts", 1));
  ASSERT_TRUE(event) << event.error().message();
  EXPECT_EQ(event->operation, record.event.operation);
  EXPECT_EQ(event->path, record.event.path);
  EXPECT_EQ(event->volume, Volume::file);
  EXPECT_EQ(event->workload->container.image_tag, "1.25");
  EXPECT_EQ(event->workload->container.image_name, "docker.io/library/nginx");
  EXPECT_EQ(event->workload->orchestrator.resource_labels, workload->orchestrator.resource_labels);
  EXPECT_EQ(event->process.name, "cp");
  EXPECT_EQ(event->process.executable, "/bin/cp");
  EXPECT_EQ(event->process.interactive, false);
}

TEST(AlertDocument, Unprotected) {
  AlertRecord record = sample_record();
  record.outcome = Outcome::unprotected;
  record.mechanism.reset();
  record.file.reset();
  record.process = {};
  record.event.path.clear();
  record.decision = {};
  record.reason = "its root is a FUSE file system";
  const json document = document_of(record);
  EXPECT_EQ(document["message"],
            "Container web-1 (nginx:1.25) is not protected: its root is a FUSE file system");
  EXPECT_EQ(document["event"]["kind"], "alert");
  EXPECT_EQ(document["event"]["action"], "unprotected");
  EXPECT_EQ(document["event"]["outcome"], "failure");
  EXPECT_EQ(document["holdfast"],
            (json{{"outcome", "unprotected"}, {"reason", "its root is a FUSE file system"}}));
  EXPECT_FALSE(document.contains("file"));
  EXPECT_FALSE(document.contains("process"));
}

TEST(AlertDocument, BytesThatAreNotUtf8) {
  AlertRecord record = sample_record();
  record.event.path = "/tmp/\xff\xfe.sh";
  record.process.process.args = {"cp", "\xc3"};
  record.process.process.name = "\x80";
  record.decision.selectors = {"\xed\xa0\x80"};
  const json document = document_of(record);
  EXPECT_EQ(document["file"]["path"], "/tmp/\uFFFD\uFFFD.sh");
  EXPECT_EQ(document["process"]["args"][1], "\uFFFD");
}

TEST(AlertDocument, VolumeAndRepeats) {
  AlertRecord record = sample_record();
  record.event.volume = Volume::mount;
  record.repeats = 5;
  const json document = document_of(record);
  EXPECT_EQ(document["holdfast"]["volume"], "mount");
  EXPECT_EQ(document["holdfast"]["repeats"], 5);
  EXPECT_TRUE(std::string(document["message"]).ends_with(", 5 more times"));
}

TEST(AlertMessage, SaysWhatHappened) {
  AlertRecord record = sample_record();
  record.mechanism = Mechanism::exec_gate;
  EXPECT_TRUE(
      alert_message(record).starts_with("Blocked execution of added executable /tmp/x.sh by cp"));
  record.event.operation = Operation::modify_executable;
  EXPECT_TRUE(
      alert_message(record).starts_with("Blocked execution of modified executable /tmp/x.sh"));
  record.mechanism = Mechanism::change_watch;
  record.outcome = Outcome::alerted;
  EXPECT_TRUE(alert_message(record).starts_with("Detected modification of executable /tmp/x.sh"));
  record.decision.alert = false;
  EXPECT_TRUE(alert_message(record).starts_with("Observed modification"));
  record.event.operation = Operation::exec_memfd;
  record.event.path = "/memfd:pay/load (deleted)";
  record.outcome = Outcome::killed;
  EXPECT_TRUE(
      alert_message(record).starts_with("Killed after execution of memory file pay/load by cp"));
}

TEST(AlertMessage, NamesTheContainerByIdAtLast) {
  AlertRecord record = sample_record();
  record.event.workload =
      std::make_shared<Workload>(Workload{.container = {.id = std::string(64, 'a')}});
  EXPECT_TRUE(alert_message(record).ends_with("in container aaaaaaaaaaaa"));
}

TEST(FileNameOf, MemoryFiles) {
  Event event;
  event.operation = Operation::exec_memfd;
  for (const auto& [path, name] : std::map<std::string, std::string>{{"/memfd:x (deleted)", "x"},
                                                                     {"memfd:x", "x"},
                                                                     {"/memfd:", ""},
                                                                     {"/tmp/y", "y"},
                                                                     {"x", "x"}}) {
    event.path = path;
    EXPECT_EQ(file_name_of(event), name) << path;
  }
  event.operation = Operation::create_file;
  event.path = "/tmp/memfd:x (deleted)";
  EXPECT_EQ(file_name_of(event), "memfd:x (deleted)");
}

TEST(LostDocument, SaysHowMany) {
  const json document = json::parse(lost_document({3, 0}, "disk full", sample_host(), "alerts", 9));
  EXPECT_EQ(document["message"], "3 documents were lost before this one: disk full");
  EXPECT_EQ(document["holdfast"], (json{{"lost", 3}, {"reason", "disk full"}}));
  EXPECT_EQ(document["event"]["kind"], "alert");
  EXPECT_EQ(document["event"]["sequence"], 9);
}

TEST(AlertDocument, TheNodesNameIsToldBesideItsHostname) {
  HostFacts host = sample_host();
  host.name = "worker-7";
  const json document = json::parse(alert_document(AlertRecord{}, host, "alerts", 1));
  EXPECT_EQ(document["host"]["name"], "worker-7");
  EXPECT_EQ(document["host"]["hostname"], "node-1");
  EXPECT_EQ(document["agent"]["name"], "worker-7");
}

TEST(HostFacts, ReadsThisHost) {
  const HostFacts host = HostFacts::read();
  EXPECT_FALSE(host.hostname.empty());
  EXPECT_EQ(host.boot_id.size(), 36U);
  EXPECT_FALSE(host.kernel.empty());
  EXPECT_FALSE(host.architecture.empty());
  EXPECT_GT(host.pid_namespace, 0U);
  EXPECT_EQ(host.agent_version, HOLDFAST_VERSION);
}

}  // namespace
}  // namespace holdfast
