#include "sensor/upper_directories.h"

namespace holdfast {

std::optional<UpperDirectories::Place> UpperDirectories::find(const std::string& path) const {
  for (std::size_t end = path.size(); end != std::string::npos && end > 0;
       end = path.rfind('/', end - 1)) {
    const auto found = layers_.find(path.substr(0, end));
    if (found == layers_.end()) continue;
    return Place{found->second, end == path.size() ? "/" : path.substr(end)};
  }
  return std::nullopt;
}

std::optional<std::size_t> DirectoryCache::find(std::string_view handle) const {
  const auto found = layers_.find(handle);
  if (found == layers_.end()) return std::nullopt;
  return found->second;
}

void DirectoryCache::remember(std::string_view handle, std::size_t layer) {
  if (layers_.size() >= kMost) layers_.clear();
  layers_.insert_or_assign(std::string(handle), layer);
}

void DirectoryCache::expire(Time now) {
  if (now - since_ < kBelieved) return;
  layers_.clear();
  since_ = now;
}

}  // namespace holdfast
