// /etc/holdfast/holdfast.yml. Every key is documented in docs/configuration.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/policy.h"
#include "sensor/identity.h"

namespace holdfast {

struct KubernetesSettings {
  std::string kubelet;     // URL; empty: it is not asked
  std::string kubelet_ca;  // certificates that its own is one of, or signed by
  std::string api;         // URL, or "auto": the pod's environment says; empty: it is not asked
  std::string api_ca = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
  std::string token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";
};

struct Settings {
  std::vector<std::string> policies = {"/etc/holdfast/policies"};  // files or directories
  std::string run_dir = "/run/holdfast";                           // sockets and the lock
  std::string log_dir = "/var/log/holdfast";  // alerts.ndjson, file.ndjson, process.ndjson
  std::string alerts_file;                    // empty: LOG_DIR/alerts.ndjson
  std::string host_root = "auto";  // where the host's files are: "auto", "/" or "/proc/1/root"
  std::vector<std::string> runtime_binaries;  // held at exec besides the runc, crun and youki found
  // Looked at besides the usual places, to learn who a container is:
  std::vector<std::string> podman_storage;  // podman storage roots
  std::vector<std::string> docker_root;     // docker data roots
  std::vector<std::string> oci_state;       // runc, crun and youki state roots
  std::vector<std::string> cri_sockets;     // and whose runtimes are asked about it
  std::vector<std::string> docker_sockets;
  std::vector<std::string> podman_sockets;
  std::uint64_t identity_timeout = 500;  // ms: an act waits so long for who its container is
  IdentityRules identity_rules{.unmanaged = UnmanagedRule::alert};  // unknown, unmanaged
  std::string cluster_id, cluster_name;        // empty: HOLDFAST_CLUSTER_ID, HOLDFAST_CLUSTER_NAME
  std::string node_name;                       // empty: HOLDFAST_NODE_NAME, else the host's name
  KubernetesSettings kubernetes;               // who else is asked; nobody by default
  std::uint64_t rotate_bytes = 64ull << 20;    // an alert file is renamed beyond that size
  int rotate_keep = 4;                         // how many renamed files stay
  std::uint64_t alert_queue = 8192;            // documents that wait for the disk at most
  std::uint64_t compare_limit = 256ull << 20;  // bytes: larger copied-up executables count as drift
  bool executables_elf = true;                 // executables: elf; false: mode
  bool volumes_trusted = true;                 // volumes.trust: unchanged; false: none
  std::uint64_t answer_deadline = 2000;  // ms: each event is answered within it, whatever happens
  std::uint64_t heartbeat = 2000;  // ms: a worker that leaves events unread so long is replaced
  bool exec_watch = true;          // look at what processes of containers run (auto, off)
  bool fail_allow = true;          // fail_mode: the answer when there is no decision

  // Puts sockets, the lock and logs below `dir` (--state-dir).
  void use_state_dir(const std::string& dir);
};

struct ParsedSettings {
  Settings settings;  // defaults where the text says nothing
  std::vector<Diagnostic> diagnostics;
};

// YAML keys are the members' names. Unknown keys, wrong types and values out of range are errors.
ParsedSettings parse_settings(const std::string& file, std::string_view text);

// True when the YAML's top-level keys are a policy's (version, selectors, responses, file,
// process), or when it has none and `file` is not called holdfast.yml: `check` reads policies and
// settings alike.
bool looks_like_policy(const std::string& file, std::string_view text);

}  // namespace holdfast
