// The change watch: tells of executables that come into being without being opened, by rename,
// link, mknod, chmod or an ACL, when that has happened. It is told of changes on the filesystems
// under the upper layers (notifications: nobody ever waits for it) and asks no permission group
// anything.
//
// One thread drops what is the host's, which is nearly everything, and learns who did the rest
// while that process is still there; another, of the lowest priority, compares files with the
// image's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kernel/epoll.h"
#include "sensor/watched_filesystem.h"

namespace holdfast {

struct ChangeWatchSettings {
  // After that a new empty executable was not made by an open: its gate has answered.
  std::chrono::milliseconds gates_take{2500};
};

class ChangeWatch {
 public:
  static Result<std::unique_ptr<ChangeWatch>> start(const GuardServices& services,
                                                    ChangeWatchSettings settings);
  ~ChangeWatch();

  // Nothing is told any more once this has returned.
  void stop();

  // Watches a container's upper layer, or gives the one that is watched by that key another guard.
  // Error: why its changes cannot be seen; its gates do not depend on it.
  Status add(const std::string& key, std::shared_ptr<const WatchedLayer> layer);
  void remove(const std::string& key);

  const ChangeCounters& counters() const { return counters_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Watched {
    std::uint64_t filesystem = 0;
    std::shared_ptr<const WatchedLayer> layer;
  };
  struct Filesystem {
    dev_t device = 0;
    std::shared_ptr<WatchedFilesystem> watched;
  };
  struct Later {
    Time due;
    LayerChange change;
  };

  ChangeWatch(Epoll epoll, const GuardServices& services, ChangeWatchSettings settings);
  Result<std::uint64_t> filesystem_of(const std::string& upper);
  void set_layers(std::uint64_t filesystem);
  void read();
  bool in_storm();
  void tell_of_overflow(const WatchedFilesystem& filesystem);
  void push(LayerChange change);
  std::optional<LayerChange> next();
  void judge();
  void judge(LayerChange change);

  Epoll epoll_;
  const GuardServices& services_;
  const ChangeWatchSettings settings_;
  ChangeCounters counters_;
  WakeSignal wake_;
  std::atomic<bool> stopping_{false};

  std::mutex watched_mutex_;
  std::map<std::string, Watched> watched_;           // by the registry's key
  std::map<std::uint64_t, Filesystem> filesystems_;  // by a number of its own
  std::uint64_t next_filesystem_ = 1;
  // Of the reading thread:
  Time window_{};
  unsigned reads_ = 0;  // since then
  Time overflow_told_{};
  bool dropped_ = false;  // a change that should have been looked at later

  std::mutex changes_mutex_;
  std::condition_variable changes_wake_;
  std::deque<LayerChange> changes_;
  std::deque<Later> later_;  // all wait equally long: the first is due first
  std::mutex telling_mutex_;

  std::thread reader_;
  std::thread judge_;
};

}  // namespace holdfast
