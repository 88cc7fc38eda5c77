#include "sensor/places.h"

#include <algorithm>

namespace holdfast {
namespace {

bool lies_below(const std::string& path, const std::string& mount_point) {
  return path.starts_with(mount_point) &&
         (path.size() == mount_point.size() || path[mount_point.size()] == '/');
}

}  // namespace

Places::Places(Place root, std::vector<Place> others, std::shared_ptr<RootContent> elsewhere)
    : places_(std::move(others)) {
  if (elsewhere && root.overlay) {
    elsewhere_ =
        Place{.content = std::move(elsewhere), .volume = Volume::mount, .rules = root.rules};
  }
  places_.insert(places_.begin(), std::move(root));
  for (const Place& place : places_) {
    for (const Place& other : places_) {
      if (place.device == other.device && place.content != other.content) {
        by_path_.push_back(place.device);
      }
    }
  }
}

bool Places::path_decides(dev_t device) const {
  return std::find(by_path_.begin(), by_path_.end(), device) != by_path_.end();
}

const Place& Places::of(EventFacts& facts) const {
  if (places_.size() == 1 && !elsewhere_) return root();
  const std::optional<FileStat> file = facts.file();
  if (!file) return root();
  const dev_t device = device_of(*file);
  const auto found = std::find_if(places_.begin() + 1, places_.end(),
                                  [&](const Place& place) { return place.device == device; });
  if (found == places_.end()) {
    const bool unknown = elsewhere_ && device != root().device && !facts.on_overlay();
    return unknown ? *elsewhere_ : root();
  }
  return path_decides(device) ? at(*found, facts.path().value_or("")) : *found;
}

std::shared_ptr<RootContent> Places::content_on(dev_t device, const std::string& path) const {
  const auto found = std::find_if(places_.begin() + 1, places_.end(),
                                  [&](const Place& place) { return place.device == device; });
  return found == places_.end() ? nullptr : at(*found, path).content;
}

bool Places::is_mount_point(const std::string& path) const {
  return std::any_of(places_.begin() + 1, places_.end(),
                     [&](const Place& place) { return place.mount_point == path; });
}

std::string Places::whole_path(std::string path, int mount_id) const {
  const auto found = std::find_if(places_.begin() + 1, places_.end(),
                                  [&](const Place& place) { return place.mount_id == mount_id; });
  if (found == places_.end() || lies_below(path, found->mount_point)) return path;
  return path == "/" ? found->mount_point : found->mount_point + path;
}

const Place& Places::at(const Place& judged_by, const std::string& path) const {
  if (judged_by.device == 0) return judged_by;
  const Place* best = &judged_by;
  std::size_t length = 0;
  for (const Place& place : places_) {
    if (place.device != judged_by.device || !lies_below(path, place.mount_point)) continue;
    // Of two mounts at one point the later one is seen.
    if (place.mount_point.size() < length) continue;
    best = &place;
    length = place.mount_point.size();
  }
  return *best;
}

}  // namespace holdfast
