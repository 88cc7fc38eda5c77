// One filesystem that containers' upper layers are on, and what is changed in those layers.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "container/root_content.h"
#include "kernel/change_events.h"
#include "kernel/change_group.h"
#include "sensor/change_gate.h"
#include "sensor/container_guard.h"
#include "sensor/upper_directories.h"

namespace holdfast {

// A container's upper layer.
struct WatchedLayer {
  std::string upper;  // directory
  // A content of its own, not the gates': its files are those of the upper layer, with their
  // numbers, and no gate ever waits for its locks.
  std::shared_ptr<RootContent> content;
  // Not owned: a guard that lives on keeps marks whose events nobody answers.
  std::weak_ptr<ContainerGuard> guard;
};

// A change in a container's layer that may be an act.
struct LayerChange {
  std::shared_ptr<const WatchedLayer> layer;
  std::uint64_t mask = 0;
  std::string path;  // in the container
  FileStat file{};
  UniqueFd fd;  // O_PATH
  std::shared_ptr<const ContainerGuard::Actor> actor;
  bool later = false;  // ChangeInterest::later
};

struct ChangeCounters {
  std::atomic<std::uint64_t> events{0};     // read, nearly all of them the host's
  std::atomic<std::uint64_t> in_layers{0};  // of those, in a container's layer
  std::atomic<std::uint64_t> overflows{0};  // times events were dropped because there were too many
};

class WatchedFilesystem {
 public:
  static Result<std::shared_ptr<WatchedFilesystem>> open(const std::string& upper,
                                                         ChangeCounters& counters);

  int fd() const { return group_.fd(); }
  const std::string& name() const { return name_; }  // a directory on it

  // By any thread; in force from the next serve() on.
  void set_layers(std::vector<std::shared_ptr<const WatchedLayer>> layers);

  struct Served {
    bool overflow = false;  // events were dropped
    bool in_layers = false;
  };
  // What waits, at most one buffer full. By one thread.
  Served serve(const std::function<void(LayerChange)>& found);

 private:
  // Immutable once it is in force.
  struct Layers {
    std::vector<std::shared_ptr<const WatchedLayer>> list;
    UpperDirectories directories;
    std::string view;  // an upper directory, on the mount that shows most of them
  };
  WatchedFilesystem(ChangeGroup group, std::string name, ChangeCounters& counters)
      : group_(std::move(group)), name_(std::move(name)), counters_(counters) {}
  // A directory on the mount that handles are opened through.
  UniqueFd open_view() const;
  void take_layers();
  bool in_some_layer(const ChangeEvent& event);
  std::optional<LayerChange> look_up(const ChangeEvent& event);
  void look_at(const ChangeEvent& event, const std::function<void(LayerChange)>& found);
  std::shared_ptr<const ContainerGuard::Actor> actor_of(const WatchedLayer& layer, pid_t tid);

  ChangeGroup group_;
  const std::string name_;
  ChangeCounters& counters_;

  std::mutex mutex_;
  std::shared_ptr<const Layers> next_ = std::make_shared<Layers>();

  // Of the thread that serves:
  std::shared_ptr<const Layers> layers_ = next_;
  DirectoryCache cache_;
  std::unordered_map<const RootContent*, KnownExecutables> known_;
  // Of one serve(): a directory on the filesystem; by thread, what was seen of its process first of
  // all, and who it is.
  UniqueFd mount_;
  std::map<pid_t, ProcessFacts> glimpses_;
  std::map<std::pair<const WatchedLayer*, pid_t>, std::shared_ptr<const ContainerGuard::Actor>>
      actors_;
};

}  // namespace holdfast
