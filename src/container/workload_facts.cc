// The annotation and label keys of the Kubernetes runtimes.
#include "container/workload_facts.h"

#include <initializer_list>
#include <utility>

#include "container/cgroup_path.h"
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

// Whoever makes a container chooses its names and labels. What is longer or more than Kubernetes
// and registries allow is cut off, and nothing else: a label that is left out matches no selector.
constexpr std::size_t kLongestText = 512;
constexpr std::size_t kLongestLabelKey = 317;  // with its prefix
constexpr std::size_t kLongestLabelValue = 256;
constexpr std::size_t kMostLabelBytes = std::size_t{2} << 20;  // an API server's object has 1.5 MB

void cut(std::optional<std::string>& text) {
  if (text && text->size() > kLongestText) text->resize(kLongestText);
}

void cut(Workload& workload) {
  for (auto* text : {&workload.container.name, &workload.container.image_name,
                     &workload.container.image_tag, &workload.container.image_digest,
                     &workload.container.runtime, &workload.orchestrator.namespace_,
                     &workload.orchestrator.resource_name, &workload.orchestrator.resource_id}) {
    cut(*text);
  }
  if (!workload.orchestrator.resource_labels) return;
  std::size_t bytes = 0;
  std::map<std::string, std::string> kept;
  for (auto& [key, value] : *workload.orchestrator.resource_labels) {
    if (value.size() > kLongestLabelValue) value.resize(kLongestLabelValue);
    bytes += key.size() + value.size();
    if (bytes > kMostLabelBytes) break;
    if (key.size() <= kLongestLabelKey) kept.emplace_hint(kept.end(), key, std::move(value));
  }
  workload.orchestrator.resource_labels = std::move(kept);
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
  fill(orchestrator.resource_id,
       first_of(annotations, {"io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid"}));
  if (orchestrator.resource_name || orchestrator.namespace_) {
    fill<std::string>(orchestrator.type, "kubernetes");
    claimed_ = true;
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

FactsBuilder& FactsBuilder::cgroup(std::string_view path) {
  fill(pod_uid_, pod_of_cgroup(path));
  return *this;
}

FactsBuilder& FactsBuilder::created(std::optional<std::chrono::system_clock::time_point> time) {
  fill(created_, time);
  return *this;
}

FactsBuilder& FactsBuilder::digest(std::optional<std::string> digest) {
  fill(workload_.container.image_digest, std::move(digest));
  return *this;
}

FactsBuilder& FactsBuilder::pod(std::optional<std::string> name, std::optional<std::string> space,
                                std::optional<std::string> uid) {
  fill(workload_.orchestrator.resource_name, std::move(name));
  fill(workload_.orchestrator.namespace_, std::move(space));
  fill(workload_.orchestrator.resource_id, std::move(uid));
  return *this;
}

FactsBuilder& FactsBuilder::labels(std::map<std::string, std::string> labels) {
  fill<std::map<std::string, std::string>>(workload_.orchestrator.resource_labels,
                                           std::move(labels));
  return *this;
}

FactsBuilder& FactsBuilder::claimed_by(std::string runtime) {
  claimed_ = true;
  fill<std::string>(workload_.container.runtime, std::move(runtime));
  return *this;
}

FactsBuilder& FactsBuilder::missing(FactMask facts) {
  missing_ |= facts;
  return *this;
}

WorkloadFacts FactsBuilder::build() {
  if (workload_.orchestrator.type == "kubernetes") {
    if (!workload_.orchestrator.resource_labels) missing_ |= kLabelsFact;
    if (!workload_.container.image_name) missing_ |= kImageFact;
    fill(workload_.orchestrator.resource_id, pod_uid_);
  }
  cut(workload_);
  return WorkloadFacts{std::make_shared<const Workload>(std::move(workload_)),
                       created_,
                       sandbox_id_.value_or(""),
                       pod_uid_.value_or(""),
                       claimed_,
                       missing_};
}

WorkloadFacts combined(const WorkloadFacts& better, const WorkloadFacts& other) {
  WorkloadFacts facts = better;
  Workload workload = *better.workload;
  const Workload& more = *other.workload;
  fill(workload.container.name, more.container.name);
  fill(workload.container.runtime, more.container.runtime);
  if (!workload.container.image_name) {
    workload.container.image_name = more.container.image_name;
    workload.container.image_tag = more.container.image_tag;
  }
  fill(workload.container.image_digest, more.container.image_digest);
  fill(workload.orchestrator.type, more.orchestrator.type);
  fill(workload.orchestrator.namespace_, more.orchestrator.namespace_);
  fill(workload.orchestrator.resource_name, more.orchestrator.resource_name);
  fill(workload.orchestrator.resource_id, more.orchestrator.resource_id);
  fill(workload.orchestrator.resource_labels, more.orchestrator.resource_labels);
  facts.workload = std::make_shared<const Workload>(std::move(workload));
  fill(facts.created, other.created);
  if (facts.sandbox_id.empty()) facts.sandbox_id = other.sandbox_id;
  if (facts.pod_uid.empty()) facts.pod_uid = other.pod_uid;
  facts.claimed |= other.claimed;
  return facts;
}

std::map<std::string, std::string> pod_labels(const Annotations& labels) {
  std::map<std::string, std::string> own;
  for (const auto& [key, value] : labels) {
    if (key.starts_with("io.kubernetes.pod.") || key == "io.kubernetes.container.name" ||
        key == "io.kubernetes.container.logpath" || key == "io.kubernetes.docker.type" ||
        key == "io.kubernetes.sandbox.id" || key.starts_with("annotation.")) {
      continue;
    }
    own.emplace(key, value);
  }
  return own;
}

}  // namespace holdfast
