// What is known about a container, and how runtimes' annotations and labels tell it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "container/runtime_json.h"
#include "holdfast/event.h"
#include "holdfast/missing_facts.h"

namespace holdfast {

struct WorkloadFacts {
  std::shared_ptr<const Workload> workload;  // never null; container.id always set
  std::optional<std::chrono::system_clock::time_point>
      created;               // the container, not its last start
  std::string sandbox_id;    // of its pod; empty: none, or not known
  std::string pod_uid;       // by its cgroup, which the kubelet names; empty: none, or not known
  bool claimed = false;      // by an engine, a CRI runtime or podman, not by an OCI runtime alone
  FactMask missing = 0;      // what a runtime's API has to be asked for
  bool provisional = false;  // the same source may soon tell more, or otherwise
};

// The facts of `better`, and of `other` what that lacks. Both are of one container.
WorkloadFacts combined(const WorkloadFacts& better, const WorkloadFacts& other);

// A pod's labels out of a sandbox's: without those that the kubelet and dockershim add.
std::map<std::string, std::string> pod_labels(const Annotations& labels);

// Facts being gathered: the first source that names one is believed, so ask the best one first.
class FactsBuilder {
 public:
  explicit FactsBuilder(std::string_view id) { workload_.container.id = id; }

  // OCI annotations or container labels: containerd's (io.kubernetes.cri.*), CRI-O's
  // (io.kubernetes.cri-o.*) and the kubelet's (io.kubernetes.pod.*, io.kubernetes.container.name).
  FactsBuilder& annotations(const Annotations& annotations);
  FactsBuilder& image(std::string_view reference);  // one without a name (a digest) is passed over
  FactsBuilder& name(std::optional<std::string> name);
  FactsBuilder& digest(std::optional<std::string> digest);
  FactsBuilder& pod(std::optional<std::string> name, std::optional<std::string> space,
                    std::optional<std::string> uid);
  FactsBuilder& labels(std::map<std::string, std::string> labels);  // the pod's
  // The runtime that claims it.
  FactsBuilder& claimed_by(std::string runtime);
  FactsBuilder& missing(FactMask facts);
  // Its path, or as systemd's driver has it ("SLICE:PREFIX:ID"), tells the pod's uid.
  FactsBuilder& cgroup(std::string_view path);
  FactsBuilder& sandbox(std::optional<std::string> id);
  FactsBuilder& created(std::optional<std::chrono::system_clock::time_point> time);
  // Of a pod's container, labels or an image that were not told are missing.
  WorkloadFacts build();
  const std::optional<std::string>& sandbox() const { return sandbox_id_; }

 private:
  Workload workload_;
  std::optional<std::string> sandbox_id_;
  std::optional<std::string> pod_uid_;
  std::optional<std::chrono::system_clock::time_point> created_;
  bool claimed_ = false;
  FactMask missing_ = 0;
};

}  // namespace holdfast
