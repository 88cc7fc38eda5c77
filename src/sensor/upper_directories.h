// Which container's upper layer something on the layers' filesystem belongs to. Nearly all that a
// busy node changes belongs to none: that has to be known without looking anything up. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace holdfast {

// Upper directories by their path on the filesystem; each has a number of the caller's.
class UpperDirectories {
 public:
  struct Place {
    std::size_t layer = 0;
    std::string path;  // in the container: "/tmp/x"; "/" is the upper directory itself
  };

  void add(std::string path, std::size_t layer) { layers_[std::move(path)] = layer; }
  std::optional<Place> find(const std::string& path) const;  // the innermost

 private:
  std::unordered_map<std::string, std::size_t> layers_;
};

// Directories that were looked up lately, by their file handles. A directory that moves takes its
// answer along: within a container's layer that is right, and into one only the host can move it.
// So an answer is believed for ten seconds.
class DirectoryCache {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kBelieved{10};
  static constexpr std::size_t kMost = 16384;

  // The layer, or kNobody; nothing when the directory has to be looked up.
  static constexpr std::size_t kNobody = ~std::size_t{0};
  std::optional<std::size_t> find(std::string_view handle) const;
  void remember(std::string_view handle, std::size_t layer);

  void forget() { layers_.clear(); }
  void expire(Time now);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> layers_;
  Time since_{};
};

}  // namespace holdfast
