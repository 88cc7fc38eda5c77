// The pods of a node as its kubelet lists them (GET /pods: a v1.PodList), and what they tell of a
// container.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "container/workload_facts.h"

namespace holdfast {

struct ListedPod {
  struct Container {
    std::string name, image;  // the image as the pod's author names it
  };
  struct Status {             // what the kubelet has told of a container: some time after its start
    std::string id, runtime;  // of "containerd://ID"
    std::string name, image, image_id;
  };
  std::string name, space;
  std::map<std::string, std::string> labels;
  std::vector<Container> containers;  // init and ephemeral ones too
  std::vector<Status> statuses;
};

using PodList = std::unordered_map<std::string, ListedPod>;  // by uid

// Nothing for what is no pod list or has more in it than a node's can have. Takes memory for what
// it keeps alone, which is bounded.
std::optional<PodList> parse_pod_list(std::string_view json);

// Of the container `id` of that pod; nullopt: there is no such pod. While no status names it
// (`provisional`), its name and image are those of the pod's only container, or not known;
// `missing` has the image as long as the pod has a container without an id.
std::optional<WorkloadFacts> container_facts(const PodList& pods, const std::string& pod_uid,
                                             const std::string& id);

}  // namespace holdfast
