// A kubelet or an API server, asked over HTTP: whom to ask, and how it proves itself.
#pragma once

#include <string>
#include <vector>

#include "container/server_url.h"
#include "holdfast/result.h"

namespace holdfast {

struct KubernetesServer {
  ServerUrl url;
  std::string ca_prefix;  // "" or "/proc/1/root": whose file it is
  std::string ca_file;
  std::string token_file;          // its text is sent, over TLS alone; read at each call
  std::vector<std::string> names;  // that its certificate may have besides the address
};

// The body of the answer to a GET, within RuntimeApi::kCallTakes and kMostAnswerBytes. Any status
// but 200 is an error, a redirection too.
Result<std::string> ask(const KubernetesServer& server, const std::string& path);

// The uid of the namespace kube-system, by which clusters are told apart.
Result<std::string> ask_cluster_id(const KubernetesServer& api);

}  // namespace holdfast
