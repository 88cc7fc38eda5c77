// Read by SAX: a DOM of 16 MiB would be many times as large, and most of it is never asked for.
#include "container/pod_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "container/image_name.h"

namespace holdfast {
namespace {

using nlohmann::json;

// A kubelet has 110 pods by default; an API server's object has 1.5 MB at most.
constexpr std::size_t kMostPods = 8192;
constexpr std::size_t kMostParts = std::size_t{1} << 18;  // containers, statuses and labels of all

// Where a value stands is told by the keys above it; lists add nothing.
class PodReader : public nlohmann::json_sax<json> {
 public:
  PodList take() { return std::move(pods_); }
  bool is_list() const { return is_list_; }

  bool null() override {
    if (lengths_.size() == 1 && key_ == "items") is_list_ = true;  // there is no pod
    return true;
  }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }
  bool key(string_t& key) override {
    key_ = key;
    return true;
  }

  bool start_object(std::size_t) override {
    if (!deeper()) return false;
    if (path_ == kPod) {
      pod_ = {};
      uid_.clear();
    } else if (is_container()) {
      if (!more()) return false;
      pod_.containers.emplace_back();
    } else if (is_status()) {
      if (!more()) return false;
      pod_.statuses.emplace_back();
    }
    return true;
  }
  bool end_object() override {
    if (path_ == kPod && !uid_.empty() && !pod_.name.empty()) {
      if (pods_.size() == kMostPods) return false;
      pods_.try_emplace(std::move(uid_), std::move(pod_));
      uid_.clear();
    }
    if (is_status() && !pod_.statuses.empty()) split_id(pod_.statuses.back());
    higher();
    return true;
  }
  bool start_array(std::size_t) override {
    if (!deeper()) return false;
    if (path_ == kPod) is_list_ = true;
    return true;
  }
  bool end_array() override {
    higher();
    return true;
  }

  bool string(string_t& text) override {
    if (path_ == "/items/metadata/labels" && !more()) return false;
    if (std::string* const kept = place()) *kept = std::move(text);
    return true;
  }

 private:
  static constexpr std::string_view kPod = "/items";

  // "containerd://ID"
  static void split_id(ListedPod::Status& status) {
    const std::size_t scheme = status.id.find("://");
    if (scheme == std::string::npos) {
      status.id.clear();
      return;
    }
    status.runtime = status.id.substr(0, scheme);
    status.id.erase(0, scheme + 3);
  }

  // Of the text that comes now; null: nobody asks for it.
  std::string* place() {
    if (path_ == "/items/metadata") {
      return key_ == "uid"         ? &uid_
             : key_ == "name"      ? &pod_.name
             : key_ == "namespace" ? &pod_.space
                                   : nullptr;
    }
    if (path_ == "/items/metadata/labels") return &pod_.labels[key_];
    if (is_container() && !pod_.containers.empty()) {
      ListedPod::Container& container = pod_.containers.back();
      return key_ == "name" ? &container.name : key_ == "image" ? &container.image : nullptr;
    }
    if (!is_status() || pod_.statuses.empty()) return nullptr;
    ListedPod::Status& status = pod_.statuses.back();
    return key_ == "name"          ? &status.name
           : key_ == "image"       ? &status.image
           : key_ == "imageID"     ? &status.image_id
           : key_ == "containerID" ? &status.id
                                   : nullptr;
  }

  bool is_container() const {
    return path_ == "/items/spec/containers" || path_ == "/items/spec/initContainers" ||
           path_ == "/items/spec/ephemeralContainers";
  }
  bool is_status() const {
    return path_ == "/items/status/containerStatuses" ||
           path_ == "/items/status/initContainerStatuses" ||
           path_ == "/items/status/ephemeralContainerStatuses";
  }
  bool more() { return ++parts_ <= kMostParts; }

  // The outermost object has no key; in a list the last key stays, and adds nothing.
  bool deeper() {
    lengths_.push_back(path_.size());
    if (!key_.empty()) path_ += '/' + key_;
    key_.clear();
    return lengths_.size() <= static_cast<std::size_t>(kMaxJsonDepth);
  }
  void higher() {
    path_.resize(lengths_.back());
    lengths_.pop_back();
    key_.clear();
  }

  std::string path_, key_;
  std::vector<std::size_t> lengths_;  // of the path, further up
  bool is_list_ = false;
  std::size_t parts_ = 0;
  std::string uid_;
  ListedPod pod_;
  PodList pods_;
};

const ListedPod::Status* status_of(const ListedPod& pod, const std::string& id) {
  const auto found = std::find_if(pod.statuses.begin(), pod.statuses.end(),
                                  [&](const ListedPod::Status& status) { return status.id == id; });
  return found == pod.statuses.end() ? nullptr : &*found;
}

std::optional<std::string> told(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

// The pod's own naming counts where the status has only a digest.
std::string image_in_pod(const ListedPod& pod, const std::string& name) {
  for (const ListedPod::Container& container : pod.containers) {
    if (container.name == name) return container.image;
  }
  return "";
}

bool has_id(const ListedPod& pod, const std::string& container) {
  return std::any_of(pod.statuses.begin(), pod.statuses.end(),
                     [&](auto& status) { return status.name == container && !status.id.empty(); });
}

// Some container of the pod is not told of yet, or has not been started.
bool is_behind(const ListedPod& pod) {
  return std::any_of(pod.containers.begin(), pod.containers.end(),
                     [&](auto& container) { return !has_id(pod, container.name); });
}

// The one that it must be, if the pod has no other; or the pod's sandbox, which is a container too
// and has no status.
const ListedPod::Container* only_container(const ListedPod& pod) {
  return pod.containers.size() == 1 && is_behind(pod) ? &pod.containers.front() : nullptr;
}

// As the runtime will name it: with a registry and a tag. Of "nginx" it makes a longer name.
bool is_whole(const std::string& image) {
  const std::string_view registry = std::string_view(image).substr(0, image.find('/'));
  return registry.size() < image.size() && split_image_name(image).tag &&
         (registry == "localhost" || registry.find_first_of(".:") != std::string_view::npos);
}

}  // namespace

std::optional<PodList> parse_pod_list(std::string_view text) {
  PodReader reader;
  if (!json::sax_parse(text.begin(), text.end(), &reader) || !reader.is_list()) {
    return std::nullopt;
  }
  return reader.take();
}

std::optional<WorkloadFacts> container_facts(const PodList& pods, const std::string& pod_uid,
                                             const std::string& id) {
  const auto found = pods.find(pod_uid);
  if (found == pods.end()) return std::nullopt;
  const ListedPod& pod = found->second;
  FactsBuilder facts(id);
  if (const ListedPod::Status* status = status_of(pod, id)) {
    if (!status->runtime.empty()) facts.claimed_by(status->runtime);
    facts.name(told(status->name));
    facts.image(status->image).image(image_in_pod(pod, status->name));
    const std::size_t digest = status->image_id.rfind("sha256:");
    if (digest != std::string::npos) facts.digest(status->image_id.substr(digest));
  } else if (const ListedPod::Container* only = only_container(pod)) {
    facts.name(told(only->name));
    if (is_whole(only->image)) facts.image(only->image);
  }
  facts.pod(told(pod.name), told(pod.space), pod_uid);
  facts.annotations({{"io.kubernetes.pod.name", pod.name}});  // and so it is Kubernetes'
  facts.labels(pod.labels);
  WorkloadFacts known = facts.build();
  known.provisional = status_of(pod, id) == nullptr;
  if (known.provisional && !is_behind(pod)) known.missing &= static_cast<FactMask>(~kImageFact);
  return known;
}

}  // namespace holdfast
