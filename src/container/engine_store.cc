// containers/storage (containers.json and its variants) and docker's container directories.
#include "container/engine_store.h"

#include <dirent.h>

#include <array>
#include <memory>
#include <string_view>
#include <vector>

namespace holdfast {
namespace {

constexpr std::array<const char*, 4> kStorageDrivers = {"overlay", "vfs", "btrfs", "zfs"};
// The second is where podman 4.4 and later keep containers that do not outlive a reboot.
constexpr std::array<const char*, 2> kStorageLists = {"containers.json",
                                                      "volatile-containers.json"};

struct StorageEntry {
  nlohmann::json container;
  std::string directory;  // STORAGE/DRIVER-containers
};

std::optional<StorageEntry> storage_entry(const std::string& storage, std::string_view key,
                                          const std::string& value) {
  for (const char* driver : kStorageDrivers) {
    const std::string directory = storage + '/' + driver + "-containers";
    for (const char* list : kStorageLists) {
      const auto containers = read_json_file(directory + '/' + list);
      if (!containers || !containers->is_array()) continue;
      for (const auto& container : *containers) {
        if (text_member(container, key) == value) return StorageEntry{container, directory};
      }
    }
  }
  return std::nullopt;
}

// CRI-O's pods: the labels are the sandbox's.
void take_crio_labels(const StorageEntry& entry, const Annotations& annotations,
                      FactsBuilder& facts) {
  const auto sandbox = annotations.find("io.kubernetes.cri-o.SandboxID");
  if (sandbox == annotations.end() || sandbox->second.find('/') != std::string::npos) return;
  const auto config =
      read_json_file(entry.directory + '/' + sandbox->second + "/userdata/config.json");
  if (!config) return;
  const auto labels =
      text_member(member(*config, "annotations"), "io.kubernetes.cri-o.Labels").value_or("");
  if (const auto json = parse_json(labels)) facts.labels(pod_labels(string_members(*json)));
}

std::optional<std::string> first_text(const nlohmann::json& array) {
  if (!array.is_array() || array.empty()) return std::nullopt;
  const auto* text = array.front().get_ptr<const std::string*>();
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// Of dockershim's containers: the pod's labels are its sandbox's.
void take_pod_labels(const std::string& root, const Annotations& labels, FactsBuilder& facts) {
  if (!labels.contains("io.kubernetes.pod.name")) return;
  const auto sandbox = labels.find("io.kubernetes.sandbox.id");
  if (sandbox == labels.end()) {
    facts.labels(pod_labels(labels));
    return;
  }
  if (sandbox->second.find('/') != std::string::npos) return;
  const auto config = read_json_file(root + "/containers/" + sandbox->second + "/config.v2.json");
  if (config) facts.labels(pod_labels(string_members(member(member(*config, "Config"), "Labels"))));
}

std::string mounts_of(const std::string& root, const std::string& driver) {
  return root + "/image/" + driver + "/layerdb/mounts";
}

std::string mount_id_file(const std::string& mounts, const std::string& id) {
  return mounts + '/' + id + "/mount-id";
}

// `docker run IMAGE_ID`: what stands in the image's place is the start of its digest.
bool abbreviates(std::string_view reference, std::string_view digest) {
  constexpr std::string_view kAlgorithm = "sha256:";
  if (!digest.starts_with(kAlgorithm) || reference.empty()) return false;
  return digest.substr(kAlgorithm.size()).starts_with(reference);
}

}  // namespace

std::optional<WorkloadFacts> storage_container(const std::string& storage, const std::string& id) {
  const auto entry = storage_entry(storage, "id", id);
  if (!entry) return std::nullopt;
  FactsBuilder facts(id);
  bool claimed = false;
  std::string runtime = "podman";
  if (const auto metadata = text_member(entry->container, "metadata")) {
    claimed = true;  // buildah's build steps have none
    const auto json = parse_json(*metadata).value_or(nullptr);
    if (const auto image = text_member(json, "image-name")) facts.image(*image);
  }
  // Before the annotations: podman's io.kubernetes.cri-o.Created is taken before the vfs driver has
  // copied the image's files, whose change times would then all be later.
  if (const auto created = text_member(entry->container, "created")) {
    facts.created(parse_time(*created));
  }
  if (const auto config = read_json_file(entry->directory + '/' + id + "/userdata/config.json")) {
    const Annotations annotations = string_members(member(*config, "annotations"));
    facts.annotations(annotations);
    facts.cgroup(text_member(member(*config, "linux"), "cgroupsPath").value_or(""));
    if (annotations.contains("io.kubernetes.cri-o.SandboxID")) runtime = "cri-o";
    take_crio_labels(*entry, annotations, facts);
  }
  facts.name(first_text(member(entry->container, "names")));
  if (claimed) facts.claimed_by(runtime);
  return facts.build();
}

std::optional<std::string> storage_container_of_layer(const std::string& storage,
                                                      const std::string& layer) {
  const auto entry = storage_entry(storage, "layer", layer);
  return entry ? text_member(entry->container, "id") : std::nullopt;
}

std::optional<WorkloadFacts> docker_container(const std::string& root, const std::string& id) {
  const auto config = read_json_file(root + "/containers/" + id + "/config.v2.json");
  if (!config || !config->is_object()) return std::nullopt;
  FactsBuilder facts(id);
  facts.claimed_by("docker").digest(text_member(*config, "Image"));
  const auto& settings = member(*config, "Config");
  const auto image = text_member(settings, "Image");
  if (image && !abbreviates(*image, text_member(*config, "Image").value_or(""))) {
    facts.image(*image);
  }
  const Annotations labels = string_members(member(settings, "Labels"));
  facts.annotations(labels);
  take_pod_labels(root, labels, facts);
  if (auto name = text_member(*config, "Name")) {
    facts.name(name->starts_with('/') ? name->substr(1) : *name);
  }
  if (const auto created = text_member(*config, "Created")) facts.created(parse_time(*created));
  return facts.build();
}

std::optional<std::string> docker_container_of_mount_id(const std::string& root,
                                                        const std::string& mount_id) {
  for (const std::string& driver : names_in(root + "/image")) {
    const std::string mounts = mounts_of(root, driver);
    for (const std::string& id : names_in(mounts)) {
      const auto text = read_text_file(mount_id_file(mounts, id));
      if (text && trimmed(*text) == mount_id) return id;
    }
  }
  return std::nullopt;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
  if (!entries) return names;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

}  // namespace holdfast
