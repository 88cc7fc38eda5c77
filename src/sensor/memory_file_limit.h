// How many memory files a container may have at once. The kernel charges a file's inode and mark
// (1.3 KB) to the daemon, which makes it: a container that keeps very many would take the daemon's
// memory.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>

namespace holdfast {

class MemoryFileLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Those that there are now; nothing: they cannot be counted. Slow where there are many.
  using Count = std::function<std::optional<std::size_t>()>;

  static constexpr std::size_t kMost = 8192;
  // A container at its limit that asks on and on is not counted for each call.
  static constexpr std::chrono::milliseconds kNextCount{100};

  // One more may be made. Thread-safe.
  bool allows(Time now, const Count& count);
  // Once: the limit has refused.
  bool is_first_refusal();

 private:
  std::mutex mutex_;
  std::size_t left_ = 0;  // that may be made before the next count
  Time next_count_{};
  bool told_ = false;
};

// The inodes of a device that a fanotify group marks, by the text of /proc/self/fdinfo/GROUP.
std::size_t count_inode_marks(std::string_view fdinfo, dev_t device);

}  // namespace holdfast
