// The parent of the worker, and what a service manager sees. It shares its descriptor table with
// the worker: events that a dead worker had read survive with their descriptors, and so do the
// groups. It starts a new worker when one dies, ends one that no longer answers, and answers by the
// fail mode only while no worker can be had. Single-threaded; it parses nothing, opens nothing and
// allocates nothing after its start.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/types.h>

#include <array>
#include <functional>
#include <vector>

#include "daemon/keeper_rules.h"
#include "daemon/service_manager.h"
#include "daemon/shared_state.h"

namespace holdfast {

class Keeper {
 public:
  // `worker` runs in the child and yields its exit status.
  Keeper(SharedState& state, ServiceManager manager, KeeperSettings settings,
         std::function<int()> worker);

  // Takes over what an earlier keeper left: groups from the service manager's store, events that
  // were read. Before run().
  void inherit(std::vector<StoredDescriptor> stored);

  // Until SIGTERM or SIGINT: the exit status.
  int run();

 private:
  struct Watched {  // one group, as seen at the last look
    std::uint64_t reads = 0;
    std::int64_t unread_since_ns = 0;
  };

  void start_worker();
  void reap();
  void worker_ended(int status);
  void handle_signal(int signal);
  void look_after_worker();
  WorkerHealth worker_health();
  void end_worker(const char* why);
  void follow_descriptors();
  void drop(HeldDescriptor& entry);
  void answer_left_events();
  void answer_unread_events();
  void answer_by_fail_mode();
  void report_ready();
  int tick_ms() const;

  SharedState& state_;
  ServiceManager manager_;
  const KeeperSettings settings_;
  std::function<int()> worker_main_;

  pid_t worker_ = 0;  // 0: none
  std::int64_t started_ns_ = 0, ready_ns_ = 0, progress_ns_ = 0, killed_ns_ = 0;
  std::int64_t start_at_ns_ = 0;  // when there is none
  std::uint64_t progress_ = 0;
  unsigned failed_ = 0;  // workers in a row that never got ready
  std::array<std::int64_t, 128> deaths_ns_{};
  unsigned deaths_ = 0;
  bool ever_ready_ = false;
  bool told_ready_ = false;
  bool stopping_ = false;
  std::int64_t stop_at_ns_ = 0;
  bool done_ = false;
  int exit_status_ = 0;
  std::vector<Watched> watched_;
  std::vector<pollfd> polled_;
  std::vector<std::uint32_t> polled_places_;
};

// Closes every descriptor but the standard ones and those that the tables and `keep` name: what a
// dead worker had open. For a worker, before it opens anything.
void close_strays(SharedState& state, const std::vector<int>& keep);

}  // namespace holdfast
