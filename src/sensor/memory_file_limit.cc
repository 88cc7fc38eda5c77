#include "sensor/memory_file_limit.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace holdfast {

bool MemoryFileLimit::allows(Time now, const Count& count) {
  std::lock_guard lock(mutex_);
  if (left_ == 0) {
    if (now < next_count_) return false;
    const std::size_t living = count().value_or(0);
    left_ = living < kMost ? kMost - living : 0;
    next_count_ = now + kNextCount;
    if (left_ == 0) return false;
  }
  --left_;
  return true;
}

bool MemoryFileLimit::is_first_refusal() {
  std::lock_guard lock(mutex_);
  return !std::exchange(told_, true);
}

// fanotify(7): "fanotify ino:3f sdev:1 mflags:0 mask:40000 …"; the device is the kernel's own
// number.
std::size_t count_inode_marks(std::string_view fdinfo, dev_t device) {
  constexpr unsigned kMinorBits = 20;
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 major(device) << kMinorBits | minor(device), 16);
  const std::string wanted = " sdev:" + std::string(digits.data(), end.ptr) + " ";
  std::size_t found = 0;
  while (!fdinfo.empty()) {
    const std::size_t newline = std::min(fdinfo.find('\n'), fdinfo.size());
    const std::string_view line = fdinfo.substr(0, newline);
    if (line.starts_with("fanotify ino:") && line.find(wanted) != std::string_view::npos) ++found;
    fdinfo.remove_prefix(std::min(newline + 1, fdinfo.size()));
  }
  return found;
}

}  // namespace holdfast
