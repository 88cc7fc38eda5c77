// AlertRecord -> ECS JSON. Only known facts become members: no empty text, no null.
#include <sys/random.h>
#include <time.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "alert/alert_message.h"
#include "alert/alert_record.h"
#include "alert/event_kind.h"
#include "alert/lost_document.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr char kEcsVersion[] = "8.7.0";
constexpr std::size_t kMostLabels = 256;

void put(json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

void put(json& object, const char* key, const std::optional<std::string>& text) {
  if (text) put(object, key, *text);
}

void put(json& object, const char* key, json child) {
  if (!child.empty()) object[key] = std::move(child);
}

std::string utc(std::chrono::system_clock::time_point time) {
  using std::chrono::floor, std::chrono::milliseconds, std::chrono::seconds;
  const auto whole = floor<seconds>(time);
  const auto fraction = floor<milliseconds>(time - whole);
  const std::time_t unix_time = std::chrono::system_clock::to_time_t(whole);
  std::tm parts{};
  gmtime_r(&unix_time, &parts);
  std::array<char, 40> text{};
  const std::size_t length = strftime(text.data(), text.size(), "%FT%T", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ",
                static_cast<int>(fraction.count()));
  return text.data();
}

std::string utc(std::int64_t unix_seconds) {
  return utc(std::chrono::system_clock::time_point(std::chrono::seconds(unix_seconds)));
}

// 128 random bits: unique over nodes and restarts without any state.
std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  static_cast<void>(getrandom(bytes.data(), bytes.size(), 0));  // 16 bytes never come short
  static constexpr char kHex[] = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) {
    id += kHex[byte >> 4];
    id += kHex[byte & 15];
  }
  return id;
}

json host_object(const HostFacts& host) {
  json os{{"type", "linux"}};
  put(os, "name", host.os_name);
  put(os, "platform", host.os_platform);
  put(os, "version", host.os_version);
  put(os, "kernel", host.kernel);
  json object{{"os", std::move(os)}};
  put(object, "name", host.name.empty() ? host.hostname : host.name);
  put(object, "hostname", host.hostname);
  put(object, "id", host.machine_id);
  put(object, "architecture", host.architecture);
  if (!host.boot_id.empty()) object["boot"]["id"] = host.boot_id;
  if (host.pid_namespace != 0) object["pid_ns_ino"] = std::to_string(host.pid_namespace);
  return object;
}

// What every document has, whatever it tells.
json envelope(const HostFacts& host, std::string_view stream, std::uint64_t sequence,
              std::chrono::system_clock::time_point time) {
  const std::string timestamp = utc(time);
  const std::string dataset = "cloud_defend." + std::string(stream);
  json document{
      {"@timestamp", timestamp},
      {"ecs", {{"version", kEcsVersion}}},
      {"data_stream", {{"type", "logs"}, {"dataset", dataset}, {"namespace", "default"}}},
      {"event",
       {{"id", random_id()},
        {"kind", stream == "alerts" ? "alert" : "event"},
        {"module", "cloud_defend"},
        {"dataset", dataset},
        {"sequence", sequence},
        {"created", timestamp},
        {"ingested", timestamp}}},
      {"host", host_object(host)},
  };
  json& agent = document["agent"] = {{"type", "holdfast"}};
  put(agent, "id", host.machine_id);
  put(agent, "name", host.name.empty() ? host.hostname : host.name);
  put(agent, "version", host.agent_version);
  return document;
}

json process_object(const ProcessFacts& facts) {
  json object = json::object();
  if (facts.pid > 0) object["pid"] = facts.pid;
  put(object, "name", facts.name);
  put(object, "executable", facts.executable);
  put(object, "working_directory", facts.working_directory);
  put(object, "entity_id", facts.entity_id);
  if (!facts.args.empty()) object["args"] = facts.args;
  if (facts.start_seconds) object["start"] = utc(*facts.start_seconds);
  if (facts.uid) object["user"]["id"] = std::to_string(*facts.uid);
  if (facts.gid) object["group"]["id"] = std::to_string(*facts.gid);
  if (facts.interactive) object["interactive"] = *facts.interactive;
  return object;
}

json process_tree_object(const AlertRecord& record) {
  const ProcessTree& tree = record.process;
  json object = process_object(tree.process);
  // The event knows less, but knew it while the process was still there.
  const Process& seen = record.event.process;
  if (!object.contains("pid") && seen.pid > 0) object["pid"] = seen.pid;
  if (!object.contains("name")) put(object, "name", seen.name);
  if (!object.contains("executable")) put(object, "executable", seen.executable);
  if (!object.contains("interactive") && seen.interactive)
    object["interactive"] = *seen.interactive;
  if (!tree.process.args.empty()) {
    std::string line;
    for (const std::string& arg : tree.process.args) line += (line.empty() ? "" : " ") + arg;
    put(object, "command_line", line);
  }
  const auto leader = [&](const char* key, const std::optional<ProcessFacts>& facts) {
    if (!facts) return;
    object[key] = process_object(*facts);
    object[key]["same_as_process"] = facts->pid == tree.process.pid;
  };
  if (tree.parent) put(object, "parent", process_object(*tree.parent));
  leader("session_leader", tree.session_leader);
  leader("group_leader", tree.group_leader);
  leader("entry_leader", tree.entry_leader);
  if (tree.entry_leader && !tree.entry_type.empty()) {
    object["entry_leader"]["entry_meta"]["type"] = tree.entry_type;
  }
  return object;
}

json file_object(const AlertRecord& record) {
  const std::string& path = record.event.path;
  const std::string name = file_name_of(record.event);
  json object = json::object();
  put(object, "path", path);
  put(object, "name", name);
  if (record.event.operation != Operation::exec_memfd) {
    const std::size_t slash = path.rfind('/');
    if (slash != std::string::npos) object["directory"] = path.substr(0, slash == 0 ? 1 : slash);
    const std::size_t dot = name.rfind('.');  // the dot of ".profile" starts no extension
    if (dot != std::string::npos && dot > 0) put(object, "extension", name.substr(dot + 1));
  }
  if (const auto& file = record.file) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", file->mode & 07777);
    object["mode"] = mode.data();
    object["type"] = "file";
    object["inode"] = std::to_string(file->inode);
    object["size"] = file->size;
    object["uid"] = std::to_string(file->uid);
    object["gid"] = std::to_string(file->gid);
  }
  return object;
}

json container_object(const Workload::Container& container) {
  json object = json::object();
  put(object, "id", container.id);
  put(object, "name", container.name);
  put(object, "runtime", container.runtime);
  json image = json::object();
  put(image, "name", container.image_name);
  if (container.image_tag) image["tag"] = {*container.image_tag};  // an array in ECS
  if (container.image_digest) image["hash"]["all"] = {*container.image_digest};
  put(object, "image", std::move(image));
  return object;
}

json orchestrator_object(const Workload::Orchestrator& orchestrator) {
  json object = json::object();
  put(object, "type", orchestrator.type);
  put(object, "namespace", orchestrator.namespace_);
  json cluster = json::object();
  put(cluster, "id", orchestrator.cluster_id);
  put(cluster, "name", orchestrator.cluster_name);
  put(object, "cluster", std::move(cluster));
  json resource = json::object();
  put(resource, "name", orchestrator.resource_name);
  put(resource, "id", orchestrator.resource_id);
  if (orchestrator.resource_name && orchestrator.type == "kubernetes") resource["type"] = "pod";
  if (orchestrator.resource_labels) {
    json labels = json::array();
    for (const auto& [key, value] : *orchestrator.resource_labels) {
      if (labels.size() >= kMostLabels) break;
      labels.push_back(std::string(key).append(":").append(value));
    }
    put(resource, "label", std::move(labels));
  }
  put(object, "resource", std::move(resource));
  return object;
}

json holdfast_object(const AlertRecord& record) {
  json object{{"outcome", to_string(record.outcome)}};
  if (record.outcome != Outcome::unprotected)
    object["operation"] = to_string(record.event.operation);
  if (record.mechanism) object["mechanism"] = to_string(*record.mechanism);
  if (!record.decision.policies.empty()) object["policy"] = record.decision.policies;
  put(object, "reason", record.reason);
  if (record.event.volume == Volume::mount) object["volume"] = "mount";
  if (record.event.volume == Volume::file) object["volume"] = "file";
  if (record.process.args_unread) object["args_unread"] = true;
  if (record.repeats > 0) object["repeats"] = record.repeats;
  return object;
}

std::string one_line(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string_view to_string(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::open_gate:
      return "open_gate";
    case Mechanism::exec_gate:
      return "exec_gate";
    case Mechanism::memfd_gate:
      return "memfd_gate";
    case Mechanism::seccomp:
      return "seccomp";
    case Mechanism::exec_watch:
      return "exec_watch";
    case Mechanism::change_watch:
      return "change_watch";
  }
  return "";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::blocked:
      return "blocked";
    case Outcome::killed:
      return "killed";
    case Outcome::alerted:
      return "alerted";
    case Outcome::unprotected:
      return "unprotected";
  }
  return "";
}

std::string alert_document(const AlertRecord& record, const HostFacts& host,
                           std::string_view stream, std::uint64_t sequence) {
  json document = envelope(host, stream, sequence, record.time);
  const EventKind kind = event_kind(record);
  json& event = document["event"];
  event["category"] = {kind.category};
  event["type"] = kind.types;
  event["action"] = kind.action;
  event["outcome"] = record.outcome == Outcome::alerted ? "success" : "failure";
  document["message"] = alert_message(record);
  if (const auto& workload = record.event.workload) {
    put(document, "container", container_object(workload->container));
    put(document, "orchestrator", orchestrator_object(workload->orchestrator));
  }
  put(document, "file", file_object(record));
  put(document, "process", process_tree_object(record));
  if (const auto& uid = record.process.process.uid) document["user"]["id"] = std::to_string(*uid);
  if (const auto& gid = record.process.process.gid) document["group"]["id"] = std::to_string(*gid);
  json defend = json::object();
  if (!record.decision.selectors.empty()) defend["matched_selectors"] = record.decision.selectors;
  if (!kind.hook_point.empty()) defend["hook_point"] = kind.hook_point;
  put(document, "cloud_defend", std::move(defend));
  document["holdfast"] = holdfast_object(record);
  return one_line(document);
}

std::string lost_document(const Lost& lost, const std::string& reason, const HostFacts& host,
                          std::string_view stream, std::uint64_t sequence) {
  json document = envelope(host, stream, sequence, std::chrono::system_clock::now());
  json& event = document["event"];
  event["category"] = {"configuration"};
  event["type"] = {"error"};
  event["action"] = "alerts-lost";
  event["outcome"] = "failure";
  std::string text;
  if (lost.documents > 0) {
    text = std::to_string(lost.documents) +
           (lost.documents == 1 ? " document was" : " documents were") + " lost before this one";
  }
  if (lost.repeats > 0) {
    text += (text.empty() ? "" : ", ") + std::to_string(lost.repeats) +
            " repeats of reported acts were not counted";
  }
  document["message"] = text + ": " + reason;
  document["holdfast"] = {{"lost", lost.documents}, {"reason", reason}};
  if (lost.repeats > 0) document["holdfast"]["repeats"] = lost.repeats;
  return one_line(document);
}

}  // namespace holdfast
