#include "container/overlay_content.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "kernel/open_beneath.h"
#include "kernel/same_bytes.h"

namespace holdfast {
namespace {

using Origin = Judgement::Origin;

constexpr std::size_t kMostCopies = 4096;
// A chown or chmod at the same time changes the change time, not the content: compared again.
constexpr int kMostComparisons = 4;
// Change times are as coarse as the kernel's tick: a younger file could change again unnoticed.
constexpr std::int64_t kTickNs = 20'000'000;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Result<std::shared_ptr<OverlayContent>> OverlayContent::open(const OverlayLayers& layers,
                                                             std::uint64_t compare_limit,
                                                             SharedMappingCheck is_mapped,
                                                             Files files) {
  Result<LowerLayers> lower = LowerLayers::open(layers);
  if (!lower) return lower.error();
  std::int64_t upper_born = 0;
  bool birth_order_holds = false;
  if (!layers.upper.empty() && files == Files::of_overlay) {
    const std::optional<FileStat> upper = stat_of_path(layers.upper);
    if (!upper) return errno_error("statx " + layers.upper);
    if (has_birth(*upper)) {
      upper_born = nanoseconds(upper->stx_btime);
      birth_order_holds = !lower->newer_than(upper->stx_btime);
    }
  }
  return std::shared_ptr<OverlayContent>(new OverlayContent(std::move(*lower), layers.upper,
                                                            upper_born, files, birth_order_holds,
                                                            compare_limit, std::move(is_mapped)));
}

OverlayContent::OverlayContent(LowerLayers lower, std::string upper, std::int64_t upper_born,
                               Files files, bool birth_order_holds, std::uint64_t compare_limit,
                               SharedMappingCheck is_mapped)
    : lower_(std::move(lower)),
      upper_(std::move(upper)),
      upper_born_(upper_born),
      files_(files),
      birth_order_holds_(birth_order_holds),
      compare_limit_(compare_limit),
      is_mapped_(std::move(is_mapped)) {}

bool OverlayContent::certainly_image(const FileStat& file) const {
  if (files_ == Files::mounted_over_it) return false;
  return upper_.empty() ||  // a read-only overlay: everything on it is the image's
         (birth_order_holds_ && has_birth(file) && nanoseconds(file.stx_btime) < upper_born_);
}

Judgement OverlayContent::judge(const FileStat& file, const std::string& path) {
  if (files_ == Files::of_overlay && has_birth(file) && lower_.same_birth(path, file.stx_btime)) {
    return {Origin::image, true, ""};
  }
  if (is_known_copy(file)) return {Origin::image, true, ""};
  const std::optional<LowerFile> original = lower_.original(path);
  if (!original) return {Origin::drift, false, "not part of the image"};
  if (original->stx.stx_size != file.stx_size) {
    return {Origin::drift, true, "its size differs from the image's file"};
  }
  if (file.stx_size > compare_limit_) {
    return {Origin::drift, true, "changed, and too large to compare with the image's file"};
  }
  return {Origin::undetermined, true, ""};
}

Judgement OverlayContent::compare(int fd, const FileStat& file, const std::string& path) {
  Result<UniqueFd> original = lower_.open_original(path);
  if (!original) return {Origin::drift, true, "the image's file cannot be read"};
  FileStat before = file;
  for (int turn = 0; turn < kMostComparisons; ++turn) {
    if (std::optional<Judgement> drift = differs(fd, original->get(), before, path)) return *drift;
    const std::optional<FileStat> now = stat_of(fd);
    if (!now) break;
    if (nanoseconds(now->stx_ctime) == nanoseconds(before.stx_ctime)) {
      remember_copy(before);
      return {Origin::image, true, ""};
    }
    before = *now;
  }
  return {Origin::drift, true, "changed while it was compared with the image's file"};
}

std::optional<Judgement> OverlayContent::differs(int fd, int original, const FileStat& file,
                                                 const std::string& path) const {
  if (!same_bytes(fd, original)) {
    return Judgement{Origin::drift, true, "its bytes differ from the image's file"};
  }
  // The mapping shows the inode of the overlay (kernels from 6.8) or of the upper layer's file.
  std::vector<ino_t> inodes{file.stx_ino};
  if (const std::optional<ino_t> upper = upper_inode(path)) inodes.push_back(*upper);
  if (is_mapped_(inodes)) {
    return Judgement{Origin::drift, true, "mapped writable and shared while it is run"};
  }
  return std::nullopt;
}

// Beneath the upper directory only: the container can put a link that leads to a filesystem of its
// own into the place of a directory.
std::optional<ino_t> OverlayContent::upper_inode(const std::string& path) const {
  const UniqueFd upper(::open(upper_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!upper.valid() || !path.starts_with('/')) return std::nullopt;
  const UniqueFd file = open_beneath(upper.get(), path.substr(1), O_PATH);
  const std::optional<FileStat> found = file.valid() ? stat_of(file.get()) : std::nullopt;
  return found ? std::optional<ino_t>(found->stx_ino) : std::nullopt;
}

RootContent::Original OverlayContent::original(const FileStat& file,
                                               const std::string& path) const {
  if (certainly_image(file)) return {true, has_execute_bit(file)};
  const std::optional<LowerFile> found = lower_.original(path);
  if (!found) return {};
  return {true, has_execute_bit(found->stx)};
}

bool OverlayContent::was_let_run(const FileStat& file) const {
  std::lock_guard lock(mutex_);
  return copies_.contains(file.stx_ino);
}

bool OverlayContent::is_known_copy(const FileStat& file) const {
  std::lock_guard lock(mutex_);
  const auto copy = copies_.find(file.stx_ino);
  // A change time within a tick of the comparison is kept for was_let_run() but never believed.
  return copy != copies_.end() && copy->second == nanoseconds(file.stx_ctime);
}

void OverlayContent::remember_copy(const FileStat& file) {
  const std::int64_t changed = nanoseconds(file.stx_ctime);
  std::lock_guard lock(mutex_);
  if (copies_.size() >= kMostCopies) copies_.erase(copies_.begin());
  copies_[file.stx_ino] = now_ns() - changed > kTickNs ? changed : 0;
}

}  // namespace holdfast
