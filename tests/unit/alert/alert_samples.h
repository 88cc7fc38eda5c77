// Records, directories and documents that the alert tests share.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "alert/alert_record.h"

namespace holdfast {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

inline std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::istringstream text(text_of(path));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

inline HostFacts sample_host() {
  HostFacts host;
  host.hostname = "node-1";
  host.boot_id = "58842e5e-4780-43fa-be88-e935d902266f";
  host.machine_id = "0123456789abcdef0123456789abcdef";
  host.kernel = "6.1.0-18-amd64";
  host.architecture = "x86_64";
  host.os_name = "Debian GNU/Linux";
  host.os_version = "12";
  host.os_platform = "debian";
  host.pid_namespace = 4026531836;
  host.agent_version = "1.2.3";
  return host;
}

inline ProcessFacts sample_process(pid_t pid, const std::string& name) {
  ProcessFacts facts;
  facts.pid = pid;
  facts.name = name;
  facts.executable = "/bin/" + name;
  facts.args = {name, "-v"};
  facts.working_directory = "/srv";
  facts.start_seconds = 1698255151;
  facts.uid = 33;
  facts.gid = 34;
  facts.interactive = false;
  facts.entity_id = "id-of-" + name;
  return facts;
}

// cp in web-1 was refused the creation of /tmp/x.sh.
inline AlertRecord sample_record() {
  auto workload = std::make_shared<Workload>();
  workload->container.id = "4fa6e0f0c678d5ca1d9a5c1bf9f2a2d3c0ffee00c0ffee00c0ffee00c0ffee00";
  workload->container.name = "web-1";
  workload->container.image_name = "docker.io/library/nginx";
  workload->container.image_tag = "1.25";
  AlertRecord record;
  // 2023-03-20T16:03:59.520Z
  record.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1679328239520));
  record.event.operation = Operation::create_executable;
  record.event.path = "/tmp/x.sh";
  record.event.workload = workload;
  record.decision.strongest = Action::block;
  record.decision.alert = record.decision.block = true;
  record.decision.selectors = {"anyExecutable"};
  record.decision.policies = {"block.yml"};
  record.mechanism = Mechanism::open_gate;
  record.outcome = Outcome::blocked;
  record.file = FileFacts{.mode = 0100755, .inode = 77, .size = 12, .uid = 33, .gid = 34};
  record.process.process = sample_process(4711, "cp");
  record.process.parent = sample_process(4700, "sh");
  record.process.session_leader = record.process.parent;
  record.process.group_leader = record.process.process;
  record.process.entry_leader = record.process.parent;
  record.process.entry_type = "container";
  record.reason = "never part of the image";
  return record;
}

inline nlohmann::json document_of(const AlertRecord& record, std::string_view stream = "alerts") {
  return nlohmann::json::parse(alert_document(record, sample_host(), stream, 7));
}

}  // namespace holdfast
