// A kubelet's answer.
#include "container/pod_list.h"

#include "fuzz.h"

using namespace holdfast;

void fuzz(std::string_view text) {
  const auto pods = parse_pod_list(text);
  if (!pods) return;
  for (const auto& [uid, pod] : *pods) {
    require(!uid.empty(), "a pod has a uid");
    for (const ListedPod::Status& status : pod.statuses) {
      const auto facts = container_facts(*pods, uid, status.id);
      require(facts && facts->workload->container.id == status.id && facts->claimed,
              "facts are about the container that was asked for");
    }
    require(container_facts(*pods, uid, "another").has_value(), "a pod is known without a status");
  }
  require(!container_facts(*pods, "", "c"), "no uid is no pod");
}
