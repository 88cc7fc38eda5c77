// What is known about a container, and how runtimes' annotations and labels tell it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "container/runtime_json.h"
#include "holdfast/event.h"

namespace holdfast {

struct WorkloadFacts {
  std::shared_ptr<const Workload> workload;  // never null; container.id always set
  std::optional<std::chrono::system_clock::time_point>
      created;             // the container, not its last start
  std::string sandbox_id;  // of its pod; empty: none, or not known
};

// Facts being gathered: the first source that names one is believed, so ask the best one first.
class FactsBuilder {
 public:
  explicit FactsBuilder(std::string_view id) { workload_.container.id = id; }

  // OCI annotations or container labels: containerd's (io.kubernetes.cri.*), CRI-O's
  // (io.kubernetes.cri-o.*) and the kubelet's (io.kubernetes.pod.*, io.kubernetes.container.name).
  FactsBuilder& annotations(const Annotations& annotations);
  FactsBuilder& image(std::string_view reference);  // one without a name (a digest) is passed over
  FactsBuilder& name(std::optional<std::string> name);
  FactsBuilder& sandbox(std::optional<std::string> id);
  FactsBuilder& created(std::optional<std::chrono::system_clock::time_point> time);
  WorkloadFacts build();

 private:
  Workload workload_;
  std::optional<std::string> sandbox_id_;
  std::optional<std::chrono::system_clock::time_point> created_;
};

}  // namespace holdfast
