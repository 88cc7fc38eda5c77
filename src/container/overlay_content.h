// Drift on an overlay root: birth times and bytes compared with the lower layers.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "container/lower_file.h"
#include "container/overlay_layers.h"
#include "container/root_content.h"

namespace holdfast {

// Does a process of the container hold a writable shared mapping of one of these inodes?
using SharedMappingCheck = std::function<bool(const std::vector<ino_t>& inodes)>;

class OverlayContent : public RootContent {
 public:
  // Which files are judged: the overlay's own, or those of a filesystem that a runtime has mounted
  // over it (tmpfs), perhaps with copies of what the image has there.
  enum class Files : std::uint8_t { of_overlay, mounted_over_it };

  // `compare_limit`: larger copied-up files count as drift without being read, bytes.
  static Result<std::shared_ptr<OverlayContent>> open(const OverlayLayers& layers,
                                                      std::uint64_t compare_limit,
                                                      SharedMappingCheck is_mapped,
                                                      Files files = Files::of_overlay);

  // Birth time before the upper directory's. Off where the layers are younger than the upper
  // directory, and for good once the clock was set back (distrust_birth_order).
  bool certainly_image(const FileStat& file) const override;
  Judgement judge(const FileStat& file, const std::string& path) override;
  Judgement compare(int fd, const FileStat& file, const std::string& path) override;
  Original original(const FileStat& file, const std::string& path) const override;
  bool was_let_run(const FileStat& file) const override;

  void distrust_birth_order() { birth_order_holds_ = false; }

 private:
  OverlayContent(LowerLayers lower, std::string upper, std::int64_t upper_born, Files files,
                 bool birth_order_holds, std::uint64_t compare_limit, SharedMappingCheck is_mapped);
  std::optional<ino_t> upper_inode(const std::string& path) const;
  // Why the bytes are not the original's; nothing if they are.
  std::optional<Judgement> differs(int fd, int original, const FileStat& file,
                                   const std::string& path) const;
  bool is_known_copy(const FileStat& file) const;
  void remember_copy(const FileStat& file);

  LowerLayers lower_;
  std::string upper_;
  std::int64_t upper_born_;  // ns
  Files files_;
  std::atomic<bool> birth_order_holds_;
  std::uint64_t compare_limit_;
  SharedMappingCheck is_mapped_;

  // Copies with the image's bytes that were let run: inode -> change time (ns) then. Any change of
  // content or mode that the gates let happen moves the change time.
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::int64_t> copies_;
};

}  // namespace holdfast
