#include "daemon/identity_store.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>

#include "container/host_path.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

// Events that come late, of a container that has ended.
constexpr std::chrono::seconds kKeptAfterEnd{30};
// A runtime that does not answer is left alone for so long, and asked again then.
constexpr milliseconds kLeftAlone{500};
constexpr milliseconds kFirstPause{250}, kLongestPause{2000}, kLongestClusterPause{60000};
// A runtime may tell of what it starts when it is done with that: a sandbox (CRI), a state (runc).
constexpr std::chrono::seconds kStartTakes{10};

bool looks_like_engines_id(const std::string& id) {
  return id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

WorkloadFacts nothing_known(const std::string& id) { return FactsBuilder(id).build(); }

}  // namespace

IdentityStore::IdentityStore(const WorkloadResolver& files, IdentitySettings settings)
    : files_(files), settings_(std::move(settings)) {
  const auto add = [&](Kind kind, const std::vector<std::string>& sockets) {
    for (const std::string& socket : sockets) {
      apis_.push_back(std::make_unique<Api>(Api{kind, socket, nullptr, "", false, {}}));
    }
  };
  add(Kind::docker, settings_.docker_sockets);
  add(Kind::podman, settings_.podman_sockets);
  add(Kind::cri, settings_.cri_sockets);
  if (settings_.kubelet) {
    kubelet_ = std::make_unique<KubeletClient>(*settings_.kubelet);
    add(Kind::kubelet, {settings_.kubelet->url.text});
  }
  cluster_id_ = settings_.cluster_id;
  for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { ask_runtimes(); });
  threads_.emplace_back([this] { keep_time(); });
  if (settings_.cluster_api && !cluster_id_) threads_.emplace_back([this] { ask_cluster(); });
}

IdentityStore::~IdentityStore() {
  release();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  time_.notify_all();
  stopped_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool IdentityStore::socket_is_there(const Api& api) const {
  const auto path = resolve_below(settings_.prefix, api.path);
  struct stat st {};
  // Another user's socket is not the runtime's.
  return path && ::stat((settings_.prefix + *path).c_str(), &st) == 0 && S_ISSOCK(st.st_mode) &&
         st.st_uid == 0;
}

bool IdentityStore::any_socket(Kind kind) const {
  return std::any_of(apis_.begin(), apis_.end(), [&](const std::unique_ptr<Api>& api) {
    return api->kind == kind && socket_is_there(*api);
  });
}

IdentityStore::Entry IdentityStore::from_files(const std::string& id) const {
  Entry entry;
  entry.made = entry.seen = Clock::now();
  const std::optional<WorkloadFacts> facts = files_.by_id(id);
  entry.facts = facts ? *facts : nothing_known(id);
  if (facts && facts->claimed) {
    entry.missing = facts->missing;
    // Only podman's API tells a container's pod.
    if (!facts->workload->orchestrator.type && !facts->workload->container.image_digest &&
        any_socket(Kind::podman)) {
      entry.missing |= kPodFact | kLabelsFact;
    }
  } else {
    entry.missing = kAllFacts & ~kClusterFact;
  }
  return entry;
}

std::shared_ptr<const Workload> IdentityStore::with_cluster(
    std::shared_ptr<const Workload> workload) const {
  if (workload->orchestrator.type != "kubernetes" || (!cluster_id_ && !settings_.cluster_name)) {
    return workload;
  }
  auto more = std::make_shared<Workload>(*workload);
  more->orchestrator.cluster_id = cluster_id_;
  more->orchestrator.cluster_name = settings_.cluster_name;
  return more;
}

// Reads files where the container is new, without the lock.
IdentityStore::Entry& IdentityStore::entry_of(const std::string& id,
                                              std::unique_lock<std::mutex>& lock) {
  const auto known = entries_.find(id);
  if (known != entries_.end()) return known->second;
  lock.unlock();
  Entry fresh = from_files(id);
  lock.lock();
  fresh.facts.workload = with_cluster(fresh.facts.workload);
  if (entries_.size() >= kMostEntries) {
    entries_.erase(std::min_element(entries_.begin(), entries_.end(), [](auto& a, auto& b) {
      return a.second.seen < b.second.seen;
    }));
  }
  time_.notify_all();
  return entries_.try_emplace(id, std::move(fresh)).first->second;
}

bool IdentityStore::is_overdue(const Entry& entry) const {
  return released_ ||
         (entry.needed_since && Clock::now() - *entry.needed_since >= settings_.timeout);
}

// What a container calls its own child cgroups makes it nobody else.
IdentityStore::Entry& IdentityStore::owner_of(const std::string& id,
                                              std::unique_lock<std::mutex>& lock) {
  while (true) {
    Entry& entry = entry_of(id, lock);
    if (entry.outer.empty()) return entry;
    const auto owner = entries_.find(entry.outer);
    if (owner != entries_.end()) return owner->second.managed ? owner->second : entry;
    const std::string outer = entry.outer;
    entry_of(outer, lock);
  }
}

bool IdentityStore::is_new(const Entry& entry) { return Clock::now() - entry.made < kStartTakes; }

// Nobody claims it, and it is new.
bool IdentityStore::may_be_claimed_yet(const Entry& entry) {
  return entry.missing == 0 && !entry.managed && is_new(entry);
}

// The cluster too, of which no runtime tells.
FactMask IdentityStore::missing(const Entry& entry) const {
  const bool asked = settings_.cluster_api && !cluster_id_;
  const bool pod_unknown = (entry.missing & kPodFact) != 0;
  const bool of_kubernetes = entry.facts.workload->orchestrator.type == "kubernetes";
  if (pod_unknown ? asked || cluster_id_ : asked && of_kubernetes) {
    return entry.missing | kClusterFact;
  }
  return entry.missing;
}

bool IdentityStore::is_to_be_asked(const Entry& entry) {
  return !entry.queued && (entry.missing != 0 || may_be_claimed_yet(entry) ||
                           (entry.facts.provisional && is_new(entry)));
}

// An act comes after the runtime has written its files, which the entry may be older than.
void IdentityStore::read_files_again(const std::string& id, std::unique_lock<std::mutex>& lock) {
  if (!may_be_claimed_yet(entry_of(id, lock))) return;
  lock.unlock();
  Entry fresh = from_files(id);
  lock.lock();
  const auto found = entries_.find(id);
  if (found == entries_.end() || !may_be_claimed_yet(found->second)) return;
  found->second.facts = std::move(fresh.facts);
  found->second.facts.workload = with_cluster(found->second.facts.workload);
  found->second.managed = found->second.facts.claimed;
  if (found->second.managed) found->second.missing = fresh.missing;
}

Identity IdentityStore::of(const std::string& id) {
  std::unique_lock lock(mutex_);
  read_files_again(id, lock);
  Entry& entry = owner_of(id, lock);
  ask_if_missing(entry.facts.workload->container.id, entry);
  return Identity{entry.facts.workload, missing(entry), entry.managed, is_overdue(entry)};
}

void IdentityStore::when_known(const std::string& id, std::function<void()> then) {
  {
    std::unique_lock lock(mutex_);
    Entry& entry = entry_of(id, lock);
    if (missing(entry) != 0 && !is_overdue(entry)) {
      ask_if_missing(id, entry);
      if (!entry.needed_since) entry.needed_since = Clock::now();
      waits_.push_back({*entry.needed_since + settings_.timeout, id, std::move(then)});
      time_.notify_all();
      return;
    }
  }
  then();
}

void IdentityStore::appeared(const std::string& id) {
  // A runtime is held meanwhile: nothing is read on this thread.
  std::lock_guard lock(mutex_);
  if (entries_.contains(id)) return;
  to_ask_.push_back(id);
  work_.notify_one();
}

void IdentityStore::set_present(const std::vector<ContainerCgroup>& containers) {
  std::unique_lock lock(mutex_);
  // First those that are new: their files are read without the lock.
  for (const ContainerCgroup& container : containers) {
    if (!container.pids.empty()) entry_of(container.container_id, lock);
  }
  const Clock::time_point now = Clock::now();
  for (auto& [id, entry] : entries_) entry.present = false;
  for (const ContainerCgroup& container : containers) {
    const auto found = entries_.find(container.container_id);
    if (container.pids.empty() || found == entries_.end()) continue;
    Entry& entry = found->second;
    entry.seen = now;
    entry.present = true;
    const auto outer = outermost_container_of_cgroup(container.directory);
    entry.outer = outer && *outer != container.container_id ? *outer : "";
    entry.pod_uid = pod_of_cgroup(container.directory).value_or("");
    ask_if_missing(container.container_id, entry);
  }
  time_.notify_all();
}

void IdentityStore::ask_if_missing(const std::string& id, Entry& entry) {
  if (!is_to_be_asked(entry) || Clock::now() < entry.ask_again) return;
  entry.queued = true;
  to_ask_.push_back(id);
  work_.notify_one();
}

void IdentityStore::ask_runtimes() {
  while (true) {
    std::string id;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [&] { return stopping_ || !to_ask_.empty(); });
      if (stopping_) return;
      id = std::move(to_ask_.front());
      to_ask_.pop_front();
      entry_of(id, lock).queued = true;
    }
    ask(id);
  }
}

// The first that knows the container is believed; the kubelet comes last.
void IdentityStore::ask(const std::string& id) {
  std::optional<WorkloadFacts> told;
  bool all_answered = true;
  for (const std::unique_ptr<Api>& api : apis_) {
    if (told || !looks_like_engines_id(id)) break;
    if (api->kind != Kind::kubelet && !socket_is_there(*api)) continue;
    if (auto answer = ask(*api, id)) {
      told = std::move(*answer);
    } else {
      all_answered = false;
    }
  }
  settle(id, told, all_answered);
}

std::optional<std::optional<WorkloadFacts>> IdentityStore::ask(Api& api, const std::string& id) {
  RuntimeApi* client = nullptr;
  std::string pod_uid;
  if (api.kind == Kind::kubelet) {
    pod_uid = pod_of(id);
    if (pod_uid.empty()) return std::optional<WorkloadFacts>();  // it is no pod's
  }
  {
    std::lock_guard lock(mutex_);
    if (Clock::now() < api.down_until) return std::nullopt;
    // One that hangs must leave threads for the runtimes.
    if (api.kind == Kind::kubelet && api.askers == kThreads / 2) return std::nullopt;
    api.used = true;
    ++api.askers;
    if (api.kind != Kind::kubelet) client = &client_of(api);
  }
  Result<std::optional<WorkloadFacts>> answer =
      client == nullptr ? kubelet_->container(pod_uid, id) : client->container(id);
  std::lock_guard lock(mutex_);
  --api.askers;
  if (!answer) {
    if (api.error.empty()) spdlog::warn("{}", answer.error().message());
    api.error = answer.error().message();
    api.down_until = Clock::now() + kLeftAlone;
    return std::nullopt;
  }
  if (!api.error.empty()) spdlog::info("{} answers again", api.path);
  api.error.clear();
  return std::move(*answer);
}

RuntimeApi& IdentityStore::client_of(Api& api) const {
  if (!api.client) {
    const std::string path = settings_.prefix + api.path;
    api.client = api.kind == Kind::cri      ? make_cri_client(api.path, path)
                 : api.kind == Kind::docker ? make_docker_client(api.path, path)
                                            : make_podman_client(api.path, path);
  }
  return *api.client;
}

// By the container's cgroup, which no annotation can replace; empty: it is in no pod's. Its files
// may have come after the entry was made.
std::string IdentityStore::pod_of(const std::string& id) const {
  {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found != entries_.end() && !found->second.pod_uid.empty()) return found->second.pod_uid;
  }
  return from_files(id).facts.pod_uid;
}

// What may still be told of a container that a runtime or the kubelet has told of.
FactMask IdentityStore::still_missing(const Entry& entry) {
  if (!entry.facts.provisional) return 0;
  if (entry.facts.workload->container.image_name) return 0;
  return is_new(entry) ? FactMask{kImageFact}
                       : static_cast<FactMask>(entry.facts.missing & kImageFact);
}

void IdentityStore::settle(const std::string& id, const std::optional<WorkloadFacts>& told,
                           bool all_answered) {
  // Its files may be there by now.
  const Entry files = from_files(id);
  std::vector<Wait> due;
  std::unique_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.queued = false;
  entry.pause = std::clamp(entry.pause * 2, kFirstPause, kLongestPause);
  entry.ask_again = Clock::now() + entry.pause;
  if (entry.missing == 0 && !told && !files.facts.claimed) return;  // nobody claims it still
  if (!told && entry.facts.provisional) return;  // what was told is better than the files
  entry.facts = told ? combined(*told, files.facts) : files.facts;
  entry.facts.workload = with_cluster(entry.facts.workload);
  entry.managed = entry.facts.claimed;
  const bool answered = told || (all_answered && entry.present);
  // A pod's labels are known to somebody, though nobody can be asked by now.
  const bool nobody_to_ask = !told && (files.missing & kLabelsFact) != 0 && entry.managed &&
                             entry.facts.workload->orchestrator.type == "kubernetes";
  entry.missing = !answered || nobody_to_ask ? files.missing : still_missing(entry);
  if (missing(entry) == 0) {
    entry.needed_since.reset();
    due = take_waits([&](const Wait& wait) { return wait.id == id; });
  } else if (all_answered && !entry.present) {
    // A negative answer counts once the container has processes: set_present() asks again.
    entry.ask_again = Clock::time_point();
  }
  time_.notify_all();
  call(std::move(due), lock);
}

std::vector<IdentityStore::Wait> IdentityStore::take_waits(
    const std::function<bool(const Wait&)>& which) {
  const auto rest =
      std::partition(waits_.begin(), waits_.end(), [&](const Wait& wait) { return !which(wait); });
  std::vector<Wait> taken(std::make_move_iterator(rest), std::make_move_iterator(waits_.end()));
  waits_.erase(rest, waits_.end());
  return taken;
}

// Without the lock, which is held before and after.
void IdentityStore::call(std::vector<Wait> due, std::unique_lock<std::mutex>& lock) {
  if (due.empty()) return;
  ++calls_;
  lock.unlock();
  for (const Wait& wait : due) wait.then();
  due.clear();
  lock.lock();
  --calls_;
  called_.notify_all();
}

IdentityStore::Clock::time_point IdentityStore::next_time() const {
  Clock::time_point next = Clock::now() + std::chrono::hours(1);
  for (const Wait& wait : waits_) next = std::min(next, wait.until);
  for (const auto& [id, entry] : entries_) {
    if (!entry.present) next = std::min(next, entry.seen + kKeptAfterEnd);
    if (entry.present && is_to_be_asked(entry)) {
      next = std::min(next, entry.ask_again);
    }
  }
  return next;
}

// Ends waits, asks again, and forgets those that have ended.
void IdentityStore::keep_time() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    time_.wait_until(lock, next_time());
    const Clock::time_point now = Clock::now();
    std::erase_if(entries_, [&](const auto& entry) {
      return !entry.second.present && !entry.second.queued &&
             entry.second.seen + kKeptAfterEnd <= now;
    });
    for (auto& [id, entry] : entries_) {
      if (entry.present) ask_if_missing(id, entry);
    }
    call(take_waits([&](const Wait& wait) { return wait.until <= now; }), lock);
  }
}

void IdentityStore::release() {
  std::unique_lock lock(mutex_);
  released_ = true;
  std::vector<Wait> due;
  due.swap(waits_);
  call(std::move(due), lock);
  called_.wait(lock, [&] { return calls_ == 0; });
}

// At start, until it is told: the id never changes.
void IdentityStore::ask_cluster() {
  for (milliseconds pause = kFirstPause;; pause = std::min(pause * 2, kLongestClusterPause)) {
    const Result<std::string> told = ask_cluster_id(*settings_.cluster_api);
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    if (told) {
      cluster_error_ = "";
      cluster_id_ = *told;
      for (auto& [id, entry] : entries_) {
        entry.facts.workload = with_cluster(entry.facts.workload);
        if (missing(entry) == 0) entry.needed_since.reset();
      }
      call(take_waits([&](const Wait& wait) {
             const auto found = entries_.find(wait.id);
             return found == entries_.end() || missing(found->second) == 0;
           }),
           lock);
      spdlog::info("the cluster's id is {}", *told);
      return;
    }
    if (!cluster_error_) spdlog::warn("{}; it will be asked again", told.error().message());
    cluster_error_ = told.error().message();
    stopped_.wait_for(lock, pause, [&] { return stopping_; });
    if (stopping_) return;
  }
}

std::vector<IdentityStore::ApiState> IdentityStore::apis() const {
  std::vector<ApiState> states;
  std::lock_guard lock(mutex_);
  for (const std::unique_ptr<Api>& api : apis_) {
    const bool there = api->kind != Kind::kubelet && socket_is_there(*api);
    if (api->used || there) states.push_back({api->path, api->error});
  }
  if (cluster_error_) states.push_back({settings_.cluster_api->url.text, *cluster_error_});
  return states;
}

IdentityStore::Size IdentityStore::size() const {
  std::lock_guard lock(mutex_);
  const auto incomplete = std::count_if(
      entries_.begin(), entries_.end(),
      [this](const auto& entry) { return entry.second.present && missing(entry.second) != 0; });
  return {entries_.size(), static_cast<std::size_t>(incomplete)};
}

}  // namespace holdfast
