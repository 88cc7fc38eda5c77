// Who each container is: from the runtimes' files at once, from their APIs as soon as they answer.
// Runtimes are asked on threads of their own; what needs the answer is called back.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "container/kubelet_client.h"
#include "container/runtime_api.h"
#include "container/workload_resolver.h"
#include "sensor/identity.h"

namespace holdfast {

struct IdentitySettings {
  std::string prefix;  // "" or "/proc/1/root": where the sockets are
  std::vector<std::string> cri_sockets, docker_sockets, podman_sockets;
  std::chrono::milliseconds timeout{500};
  std::optional<std::string> cluster_id, cluster_name;
  std::optional<KubernetesServer> kubelet;      // asked where no runtime tells
  std::optional<KubernetesServer> cluster_api;  // asked for the cluster's id, if that is not set
};

class IdentityStore : public IdentitySource {
 public:
  IdentityStore(const WorkloadResolver& files, IdentitySettings settings);
  ~IdentityStore() override;

  Identity of(const std::string& container_id) override;
  void when_known(const std::string& container_id, std::function<void()> then) override;
  void appeared(const std::string& container_id) override;
  void set_present(const std::vector<ContainerCgroup>& containers) override;

  // Whoever waits is called now, and nobody waits any more; no call is under way afterwards.
  void release();

  struct ApiState {
    std::string socket;  // or URL
    std::string error;   // of the last call; empty: it answered
  };
  std::vector<ApiState> apis() const;  // those whose socket is there, or that were asked
  struct Size {
    std::size_t known = 0;       // containers, also those of the last 30 seconds
    std::size_t incomplete = 0;  // of those that run: facts are missing
  };
  Size size() const;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Kind : std::uint8_t { cri, docker, podman, kubelet };
  struct Api {
    Kind kind;
    std::string path;  // host path; of the kubelet, its URL
    std::unique_ptr<RuntimeApi> client;
    std::string error;
    bool used = false;
    std::size_t askers = 0;  // threads in a call
    Clock::time_point down_until{};
  };
  struct Entry {
    WorkloadFacts facts;
    FactMask missing = kAllFacts;
    bool managed = true;
    bool present = false;  // it has processes
    bool queued = false;
    std::string outer;    // the container whose cgroup this one's lies in
    std::string pod_uid;  // as its cgroup tells
    std::optional<Clock::time_point> needed_since;
    Clock::time_point made, seen;  // seen: last present
    Clock::time_point ask_again{};
    std::chrono::milliseconds pause{0};
  };
  struct Wait {
    Clock::time_point until;
    std::string id;
    std::function<void()> then;
  };

  static constexpr std::size_t kThreads = 4;
  static constexpr std::size_t kMostEntries = 8192;

  // Both may let go of the lock: what was found before is void then.
  Entry& entry_of(const std::string& id, std::unique_lock<std::mutex>& lock);
  Entry& owner_of(const std::string& id, std::unique_lock<std::mutex>& lock);
  std::vector<Wait> take_waits(const std::function<bool(const Wait&)>& which);
  void call(std::vector<Wait> due, std::unique_lock<std::mutex>& lock);
  Entry from_files(const std::string& id) const;
  bool is_overdue(const Entry& entry) const;
  static bool is_new(const Entry& entry);
  static bool may_be_claimed_yet(const Entry& entry);
  static bool is_to_be_asked(const Entry& entry);
  void read_files_again(const std::string& id, std::unique_lock<std::mutex>& lock);
  bool socket_is_there(const Api& api) const;
  bool any_socket(Kind kind) const;
  void ask_if_missing(const std::string& id, Entry& entry);
  void ask_runtimes();
  void ask(const std::string& id);
  // Counts what became of it. nullopt: it did not answer, or is left alone for now.
  std::optional<std::optional<WorkloadFacts>> ask(Api& api, const std::string& id);
  RuntimeApi& client_of(Api& api) const;
  std::string pod_of(const std::string& id) const;
  static FactMask still_missing(const Entry& entry);
  void ask_cluster();
  FactMask missing(const Entry& entry) const;  // the cluster too
  void settle(const std::string& id, const std::optional<WorkloadFacts>& told, bool all_answered);
  // The lock is held, or it is the constructor's.
  std::shared_ptr<const Workload> with_cluster(std::shared_ptr<const Workload> workload) const;
  void keep_time();
  Clock::time_point next_time() const;

  const WorkloadResolver& files_;
  const IdentitySettings settings_;
  std::unique_ptr<KubeletClient> kubelet_;

  mutable std::mutex mutex_;
  std::condition_variable work_, time_, called_, stopped_;
  int calls_ = 0;  // under way, of those that wait
  bool stopping_ = false;
  bool released_ = false;
  std::optional<std::string> cluster_id_;
  std::optional<std::string> cluster_error_;  // of the last question for it; none: not asked
  std::map<std::string, Entry> entries_;
  std::deque<std::string> to_ask_;
  std::vector<Wait> waits_;
  std::vector<std::unique_ptr<Api>> apis_;
  std::vector<std::thread> threads_;
};

}  // namespace holdfast
