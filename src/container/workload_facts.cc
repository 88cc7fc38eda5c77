// The annotation and label keys of the Kubernetes runtimes.
#include "container/workload_facts.h"

#include <initializer_list>
#include <utility>

#include "container/image_name.h"

namespace holdfast {
namespace {

std::optional<std::string> first_of(const Annotations& annotations,
                                    std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto found = annotations.find(key);
    if (found != annotations.end() && !found->second.empty()) return found->second;
  }
  return std::nullopt;
}

template <typename T>
void fill(std::optional<T>& fact, std::optional<T> value) {
  if (!fact) fact = std::move(value);
}

}  // namespace

FactsBuilder& FactsBuilder::annotations(const Annotations& annotations) {
  for (const char* key : {"io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName",
                          "io.kubernetes.cri.podsandbox.image-name"}) {
    if (const auto reference = first_of(annotations, {key})) image(*reference);
  }
  fill(workload_.container.name,
       first_of(annotations, {"io.kubernetes.cri.container-name", "io.kubernetes.container.name"}));
  sandbox(first_of(annotations, {"io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID",
                                 "io.kubernetes.sandbox.id"}));
  auto& orchestrator = workload_.orchestrator;
  fill(orchestrator.resource_name,
       first_of(annotations, {"io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name",
                              "io.kubernetes.cri-o.KubeName"}));
  fill(orchestrator.namespace_,
       first_of(annotations, {"io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace",
                              "io.kubernetes.cri-o.Namespace"}));
  if (orchestrator.resource_name || orchestrator.namespace_) {
    fill<std::string>(orchestrator.type, "kubernetes");
  }
  if (const auto time = first_of(annotations, {"io.kubernetes.cri-o.Created"})) {
    created(parse_time(*time));
  }
  // CRI-O keeps the kubelet's labels as JSON in one annotation.
  if (const auto labels = first_of(annotations, {"io.kubernetes.cri-o.Labels"})) {
    Annotations inner = string_members(parse_json(*labels).value_or(nullptr));
    inner.erase("io.kubernetes.cri-o.Labels");
    this->annotations(inner);
  }
  return *this;
}

FactsBuilder& FactsBuilder::image(std::string_view reference) {
  if (workload_.container.image_name) return *this;
  ImageName image = split_image_name(reference);
  workload_.container.image_name = std::move(image.name);
  workload_.container.image_tag = std::move(image.tag);
  return *this;
}

FactsBuilder& FactsBuilder::name(std::optional<std::string> name) {
  fill(workload_.container.name, std::move(name));
  return *this;
}

FactsBuilder& FactsBuilder::sandbox(std::optional<std::string> id) {
  fill(sandbox_id_, std::move(id));
  return *this;
}

FactsBuilder& FactsBuilder::created(std::optional<std::chrono::system_clock::time_point> time) {
  fill(created_, time);
  return *this;
}

WorkloadFacts FactsBuilder::build() {
  return WorkloadFacts{std::make_shared<const Workload>(std::move(workload_)), created_,
                       sandbox_id_.value_or("")};
}

}  // namespace holdfast
