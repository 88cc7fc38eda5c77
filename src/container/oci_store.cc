// containerd's bundles, runc's and youki's state.json, crun's status.
#include "container/oci_store.h"

#include <sys/stat.h>

#include "container/engine_store.h"
#include "container/host_path.h"

namespace holdfast {
namespace {

// A bundle's configuration is written once, when its container is created.
std::optional<std::chrono::system_clock::time_point> written_at(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return std::nullopt;
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::seconds(st.st_mtim.tv_sec) + std::chrono::nanoseconds(st.st_mtim.tv_nsec)));
}

// runc keeps annotations as "key=value" texts.
Annotations runc_labels(const nlohmann::json& labels) {
  Annotations annotations;
  if (!labels.is_array()) return annotations;
  for (const auto& label : labels) {
    const auto* text = label.get_ptr<const std::string*>();
    const std::size_t equals = text == nullptr ? std::string::npos : text->find('=');
    if (equals != std::string::npos) {
      // runc's own "bundle" comes after the annotations, of which one may have that name.
      annotations.insert_or_assign(text->substr(0, equals), text->substr(equals + 1));
    }
  }
  return annotations;
}

std::string task_config(const std::string& tasks, const std::string& space, const std::string& id) {
  return tasks + '/' + space + '/' + id + "/config.json";
}

std::string joined(const std::string& directory, const std::string& path) {
  return path.starts_with('/') || directory.empty() ? path : directory + '/' + path;
}

}  // namespace

std::optional<WorkloadFacts> containerd_task(const std::string& tasks, const std::string& id) {
  for (const std::string& space : names_in(tasks)) {
    const std::string path = task_config(tasks, space, id);
    const auto config = read_json_file(path);
    if (!config || !config->is_object()) continue;
    // "moby" is docker's, "k8s.io" a kubelet's; others (ctr's "default", buildkit's) are nobody's.
    const bool docker = space == "moby";
    FactsBuilder facts(id);
    facts.annotations(string_members(member(*config, "annotations"))).created(written_at(path));
    facts.cgroup(text_member(member(*config, "linux"), "cgroupsPath").value_or(""));
    if (docker) facts.claimed_by("docker").missing(kImageFact | kPodFact | kLabelsFact);
    if (space == "k8s.io") facts.claimed_by("containerd");
    return facts.build();
  }
  return std::nullopt;
}

std::optional<OciState> oci_state(const std::string& state, const std::string& id,
                                  const std::string& prefix) {
  const std::string directory = state + '/' + id;
  auto json = read_json_file(directory + "/state.json");
  if (!json) json = read_json_file(directory + "/status");
  if (!json || !json->is_object()) return std::nullopt;

  FactsBuilder facts(id);
  const auto& runc_config = member(*json, "config");
  const Annotations labels = runc_labels(member(runc_config, "labels"));
  facts.annotations(labels).annotations(string_members(member(*json, "annotations")));
  if (const auto created = text_member(*json, "created")) facts.created(parse_time(*created));

  std::string bundle = text_member(*json, "bundle").value_or("");
  if (const auto label = labels.find("bundle"); bundle.empty() && label != labels.end()) {
    bundle = label->second;
  }
  std::string rootfs =
      text_member(runc_config, "rootfs").value_or(text_member(*json, "rootfs").value_or(""));
  if (const auto found = resolve_below(prefix, bundle)) {
    if (const auto config = read_json_file(prefix + *found + "/config.json")) {
      facts.annotations(string_members(member(*config, "annotations")));
      facts.cgroup(text_member(member(*config, "linux"), "cgroupsPath").value_or(""));
      if (rootfs.empty()) rootfs = text_member(member(*config, "root"), "path").value_or("");
    }
  }
  return OciState{joined(bundle, rootfs), facts.build()};
}

}  // namespace holdfast
