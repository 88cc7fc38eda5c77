// The node's kubelet, asked for its pods: the last resort for who a container is.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "container/kubernetes_server.h"
#include "container/pod_list.h"

namespace holdfast {

// Thread-safe. Many containers that are asked for at once lead to few questions: who comes while
// one is under way waits for its answer, and asks again only if that does not tell.
class KubeletClient {
 public:
  explicit KubeletClient(KubernetesServer server) : server_(std::move(server)) {}
  const std::string& url() const { return server_.url.text; }
  // nullopt: it has no such pod.
  Result<std::optional<WorkloadFacts>> container(const std::string& pod_uid, const std::string& id);

 private:
  using Clock = std::chrono::steady_clock;
  bool is_current(Clock::time_point now, const std::optional<WorkloadFacts>& told) const;

  const KubernetesServer server_;
  std::mutex asking_;  // held while a question is under way
  std::optional<Result<PodList>> answer_;
  Clock::time_point asked_;  // when the question began that `answer_` answers
};

}  // namespace holdfast
