// The exec watch: looks at what the processes of containers run, after they have begun to. It sees
// what no mark can: programs on filesystems that are not marked, memory files, processes that ran
// drift before there were marks. It comes too late to prevent; where the policy blocks it ends the
// process. For each exec of the host's it reads one file of /proc.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "container/cgroup_walk.h"
#include "container/runtime_program.h"
#include "kernel/epoll.h"
#include "kernel/proc_connector.h"
#include "sensor/container_guard.h"

namespace holdfast {

// What the watch needs of the daemon; outlives it.
struct ExecWatchServices {
  const KnownIds* known_ids = nullptr;
  // By its id, or by its root's device while no runtime's files tell the id; null: not covered.
  std::function<std::shared_ptr<ContainerGuard>(const std::string& id, dev_t root)> guard_of;
  std::function<std::vector<std::string>()> runtime_binaries;
  std::string host_mountinfo;  // path
  ObjectId host_root;
  BoundedCalls* calls = nullptr;
};

struct ExecWatchCounters {
  std::atomic<std::uint64_t> execs{0};       // heard of, the host's included
  std::atomic<std::uint64_t> containers{0};  // of those, by processes of covered containers
  std::atomic<std::uint64_t> scanned{0};     // processes looked at without having heard of them
  std::atomic<std::uint64_t> lost{0};        // times that execs went unheard: all were scanned
};

class ExecWatch {
 public:
  // `connector`: null if execs cannot be heard of; then there are only scans. It outlives the
  // watch.
  static std::unique_ptr<ExecWatch> start(const ProcConnector* connector,
                                          ExecWatchServices services);
  ~ExecWatch();

  // Looks at every process of a container that has just been covered, on the watch's own thread: at
  // what it runs, and at the executables it can write to without another open.
  void scan(const std::string& container_id);

  bool hears_execs() const { return connector_ != nullptr; }
  const ExecWatchCounters& counters() const { return counters_; }

 private:
  ExecWatch(const ProcConnector* connector, ExecWatchServices services);
  void run();
  void hear();
  int milliseconds_to_scan() const;
  void scan_wanted();
  void look(const ExecEvent& exec);
  void look_at(pid_t pid, const std::string& container_id, Found found);
  void look_for_held_files(const ContainerCgroup& container);
  std::optional<Act> what_runs(pid_t pid, const std::string& container_id, ContainerGuard& guard,
                               dev_t process_root, Found found) const;
  std::optional<Act> compare(pid_t pid, const std::string& container_id, Act act,
                             const std::shared_ptr<RootContent>& content) const;

  const ProcConnector* connector_;
  ExecWatchServices services_;
  RuntimePrograms runtimes_;
  ExecWatchCounters counters_;
  std::optional<std::chrono::steady_clock::time_point> scan_all_at_;

  WakeSignal wake_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::set<std::string> to_scan_;  // container ids
  std::thread thread_;
};

}  // namespace holdfast
