#include "container/kubelet_client.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

// An answer is as good as a new one for so long, if it names the container; if it knows its pod
// alone; a pod that it does not know is asked for anew.
constexpr milliseconds kNamedFor{1000}, kPodKnownFor{200};

Result<PodList> ask_pods(const KubernetesServer& server) {
  const Result<std::string> body = ask(server, "/pods");
  if (!body) return body.error();
  std::optional<PodList> pods = parse_pod_list(*body);
  if (!pods) return Error{0, "ask " + server.url.text + "/pods: its answer is no pod list", ""};
  return std::move(*pods);
}

}  // namespace

// At `now`, when the container was asked for, of which the last answer has `told`.
bool KubeletClient::is_current(Clock::time_point now,
                               const std::optional<WorkloadFacts>& told) const {
  if (!answer_) return false;
  if (asked_ >= now) return true;
  return told && now - asked_ < (told->provisional ? kPodKnownFor : kNamedFor);
}

Result<std::optional<WorkloadFacts>> KubeletClient::container(const std::string& pod_uid,
                                                              const std::string& id) {
  const Clock::time_point now = Clock::now();
  const auto told = [&] {
    return answer_ && *answer_ ? container_facts(**answer_, pod_uid, id) : std::nullopt;
  };
  std::lock_guard lock(asking_);
  std::optional<WorkloadFacts> facts = told();
  if (!is_current(now, facts)) {
    asked_ = Clock::now();
    answer_.emplace(ask_pods(server_));
    facts = told();
  }
  if (!*answer_) return answer_->error();
  return facts;
}

}  // namespace holdfast
