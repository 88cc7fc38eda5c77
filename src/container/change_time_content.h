// Drift where there is no original to compare with, on volumes and on roots that are no overlay
// (vfs, btrfs, devicemapper, --rootfs): what changed since the container was created.
#pragma once

#include <atomic>

#include "container/root_content.h"

namespace holdfast {

class ChangeTimeContent : public RootContent {
 public:
  // `created_ns`: nothing younger is trusted; 0: nothing at all. `drift`: what to call it.
  explicit ChangeTimeContent(std::int64_t created_ns,
                             std::string drift = "changed after the container was created")
      : created_ns_(created_ns), drift_(std::move(drift)) {}

  // A runtime has told meanwhile.
  void set_created(std::int64_t created_ns) { created_ns_ = created_ns; }

  bool certainly_image(const FileStat& file) const override {
    return nanoseconds(file.stx_ctime) < created_ns_;
  }
  Judgement judge(const FileStat& file, const std::string&) override {
    const bool existed = has_birth(file) && nanoseconds(file.stx_btime) < created_ns_;
    if (certainly_image(file)) return {Judgement::Origin::image, true, ""};
    return {Judgement::Origin::drift, existed, drift_};
  }
  Judgement compare(int, const FileStat& file, const std::string& path) override {
    return judge(file, path);
  }
  Original original(const FileStat& file, const std::string&) const override {
    const bool existed =
        certainly_image(file) || (has_birth(file) && nanoseconds(file.stx_btime) < created_ns_);
    return {existed, existed && has_execute_bit(file)};
  }
  bool was_let_run(const FileStat&) const override { return false; }

 private:
  std::atomic<std::int64_t> created_ns_;  // since the epoch
  std::string drift_;
};

}  // namespace holdfast
