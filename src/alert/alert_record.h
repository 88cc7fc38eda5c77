// One act to be reported, and its ECS document. Fields: docs/alerts.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "alert/process_facts.h"
#include "holdfast/decision.h"
#include "holdfast/event.h"

namespace holdfast {

enum class Mechanism : std::uint8_t {
  open_gate,
  exec_gate,
  memfd_gate,
  seccomp,
  exec_watch,
  change_watch
};
enum class Outcome : std::uint8_t { blocked, killed, alerted, unprotected };
std::string_view to_string(Mechanism mechanism);
std::string_view to_string(Outcome outcome);

struct FileFacts {
  std::uint32_t mode = 0;  // st_mode
  std::uint64_t inode = 0;
  std::uint64_t size = 0;  // bytes
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct AlertRecord {
  std::chrono::system_clock::time_point time;
  Event event;  // operation, path, workload
  Decision decision;
  std::optional<Mechanism> mechanism;  // none for an `unprotected` document
  Outcome outcome = Outcome::alerted;
  std::optional<FileFacts> file;
  ProcessTree process;        // empty for `unprotected`
  bool is_read = false;       // met when code was opened for reading (open_gate)
  std::string reason;         // why: "never part of the image", "its bytes differ from the image's"
  std::uint64_t repeats = 0;  // further equal acts within a second that this document stands for
  bool expected = false;      // AlertLog::expect() has counted it
  // Seen on the filesystem under the upper layer when it had happened. One act may be seen there
  // several times (created, then made executable), and a gate may tell of it as well.
  bool seen_afterwards = false;
};

// Facts about the node, the same for every document.
struct HostFacts {
  std::string name;  // of the node; read() leaves it empty: the hostname
  std::string hostname, boot_id, machine_id, kernel, architecture, os_name, os_version, os_platform;
  std::uint64_t pid_namespace = 0;
  std::string agent_version;
  static HostFacts read();
};

// One line of NDJSON, with the newline. `stream` is "alerts", "file" or "process"; `sequence` goes
// to event.sequence. Bytes that are not UTF-8 in paths and arguments become U+FFFD.
std::string alert_document(const AlertRecord& record, const HostFacts& host,
                           std::string_view stream, std::uint64_t sequence);

}  // namespace holdfast
