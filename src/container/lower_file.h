// Files as the image's layers hold them, asked by path in the container.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "container/overlay_layers.h"
#include "holdfast/result.h"
#include "kernel/open_beneath.h"
#include "kernel/unique_fd.h"

namespace holdfast {

struct LowerFile {
  struct statx stx {};
  int layer = 0;  // index into OverlayLayers::lower: 0 is the topmost
};

// The lower directories of one overlay, opened by path for each lookup: a descriptor held would
// keep a snapshotter from unmounting a layer that is a mount of its own. Lookups never follow a
// symbolic link and never leave a layer. Paths are those of a readlink of /proc/self/fd/N in the
// container's view: absolute and canonical; any other is answered with nothing. Thread-safe.
// Redirected directories (redirect_dir, metacopy's data) are not followed: image stores make none.
class LowerLayers {
 public:
  static Result<LowerLayers> open(const OverlayLayers& layers,
                                  BeneathLookup lookup = best_beneath_lookup());

  // The topmost layer's regular file at that path that was born at that very nanosecond: the
  // overlay's file is that one, never copied up.
  std::optional<LowerFile> same_birth(std::string_view path,
                                      const struct statx_timestamp& btime) const;

  // The regular file that the merged lower layers show at that path, as the overlay did before
  // anything was written to it: whiteouts, opaque directories and non-directories in the way hide
  // what is below them.
  std::optional<LowerFile> original(std::string_view path) const;

  // The same file, opened for reading.
  Result<UniqueFd> open_original(std::string_view path) const;

  // A lower root directory was born at or after this time, or does not tell when: then birth times
  // do not tell the upper layer's files from the image's.
  bool newer_than(const struct statx_timestamp& upper_btime) const;

 private:
  struct Found {
    UniqueFd file;  // O_PATH
    LowerFile lower;
  };

  LowerLayers() = default;
  UniqueFd look_up(int layer, const std::string& relative) const;  // errno when not valid
  std::optional<Found> find_original(std::string_view path) const;
  int visible_layers(const std::string& directory) const;

  // Images do not change, so an answer about a directory is kept.
  struct Visibility {
    std::mutex mutex;
    std::unordered_map<std::string, int> layers;
  };

  std::unique_ptr<Visibility> visibility_ = std::make_unique<Visibility>();
  std::vector<std::string> roots_;
  std::vector<struct statx> root_stats_;
  BeneathLookup lookup_ = BeneathLookup::openat2;
  bool user_xattr_ = false;
};

}  // namespace holdfast
