// What happened, in the terms a policy is written in. The sensors make Events; the policy engine
// decides them; `holdfast explain` reads them as JSON (parse_event_json).
// An absent optional is an unknown fact: it matches no condition that names it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/result.h"

namespace holdfast {

// Spelled in policies as createExecutable, modifyExecutable, execMemFd, createFile, modifyFile,
// deleteFile, fork, exec.
enum class Operation : std::uint8_t {
  create_executable,
  modify_executable,
  exec_memfd,
  create_file,
  modify_file,
  delete_file,
  fork,
  exec,
};
inline constexpr int kOperationCount = 8;

std::string_view to_string(Operation operation);                  // "createExecutable"
std::optional<Operation> parse_operation(std::string_view name);  // exact spelling

// Who the container is. Fixed for the container's life once complete; shared by its events.
struct Workload {
  struct Container {
    std::string id;                           // as the runtime names it (64 hex digits or a name)
    std::optional<std::string> name;          // "web-1"
    std::optional<std::string> image_name;    // without tag or digest: "docker.io/library/nginx"
    std::optional<std::string> image_tag;     // "1.25"
    std::optional<std::string> image_digest;  // "sha256:..." of the manifest or configuration
    std::optional<std::string> runtime;       // "containerd", "cri-o", "docker", "podman"
  } container;
  struct Orchestrator {
    std::optional<std::string> type;  // "kubernetes"
    std::optional<std::string> cluster_id;
    std::optional<std::string> cluster_name;
    std::optional<std::string> namespace_;
    std::optional<std::string> resource_name;  // the pod's name
    std::optional<std::map<std::string, std::string>> resource_labels;
    std::optional<std::string> resource_id;  // the pod's UID
  } orchestrator;
};

struct Process {
  std::int64_t pid = 0;  // in the host's pid namespace; 0 = unknown
  std::optional<std::string> name;
  std::optional<std::string> executable;
  std::optional<bool> interactive;  // the session has a controlling terminal
};

// mount: a mounted directory; file: a mounted single file. Sensors always know; an event in JSON
// may leave it out, and then it is unknown.
enum class Volume : std::uint8_t { none, mount, file, unknown };

struct Event {
  Operation operation = Operation::create_executable;
  std::string path;  // as the container sees it, absolute, symbolic links resolved
  std::shared_ptr<const Workload> workload;  // never null
  Process process;
  Volume volume = Volume::none;
};

// One event in the form of the contract, or an alert document (holdfast.operation present).
// The error says which member is missing or of the wrong type.
Result<Event> parse_event_json(std::string_view text);

}  // namespace holdfast
