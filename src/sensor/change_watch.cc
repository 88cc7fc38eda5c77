#include "sensor/change_watch.h"

#include <fcntl.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include "container/metadata_copy.h"
#include "kernel/open_beneath.h"
#include "kernel/procfs.h"

namespace holdfast {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kWake = 0;
// Each has a descriptor. The kernel's queue holds what comes meanwhile.
constexpr std::size_t kMostChanges = 256;
constexpr std::size_t kMostLater = 8192;
constexpr std::chrono::minutes kBetweenOverflows{1};
// A storm of the host's is read in batches: to be woken for each event costs five times as much. A
// few are read at once, as a container's change may be the next, and its process ends in a moment.
constexpr std::chrono::milliseconds kBatch{1};
constexpr std::chrono::milliseconds kWindow{100};
constexpr unsigned kAtOnce = 100;  // reads in a window

// Opens again what was looked up a while ago, if it is still the file of that path.
bool reopen(LayerChange& change) {
  const UniqueFd upper(open(change.layer->upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!upper.valid()) return false;
  change.fd = open_beneath(upper.get(), change.path.substr(1), O_PATH);
  const std::optional<FileStat> now = change.fd.valid() ? stat_of(change.fd.get()) : std::nullopt;
  return now && now->stx_ino == change.file.stx_ino;
}

// Runtimes make empty executables for what they mount there (/etc/hosts).
bool is_covered(const LayerChange& change) {
  const std::shared_ptr<ContainerGuard> guard = change.layer->guard.lock();
  return guard && guard->places()->is_mount_point(change.path);
}

}  // namespace

Result<std::unique_ptr<ChangeWatch>> ChangeWatch::start(const GuardServices& services,
                                                        ChangeWatchSettings settings) {
  Result<Epoll> epoll = Epoll::create();
  if (!epoll) return epoll.error();
  std::unique_ptr<ChangeWatch> watch(new ChangeWatch(std::move(*epoll), services, settings));
  if (Status added = watch->epoll_.add(watch->wake_.fd(), EPOLLIN, kWake); !added) {
    return added.error();
  }
  watch->reader_ = std::thread([w = watch.get()] { w->read(); });
  pthread_setname_np(watch->reader_.native_handle(), "change-watch");
  watch->judge_ = std::thread([w = watch.get()] { w->judge(); });
  pthread_setname_np(watch->judge_.native_handle(), "change-judge");
  return watch;
}

ChangeWatch::ChangeWatch(Epoll epoll, const GuardServices& services, ChangeWatchSettings settings)
    : epoll_(std::move(epoll)), services_(services), settings_(settings) {}

ChangeWatch::~ChangeWatch() {
  stop();
  if (judge_.joinable()) judge_.join();
}

void ChangeWatch::stop() {
  {
    std::lock_guard lock(changes_mutex_);
    stopping_ = true;
  }
  wake_.raise();
  changes_wake_.notify_all();
  if (reader_.joinable()) reader_.join();
  // The other thread may be in the middle of a long comparison; what it finds is not told.
  std::lock_guard lock(telling_mutex_);
}

Result<std::uint64_t> ChangeWatch::filesystem_of(const std::string& upper) {
  const std::optional<FileStat> directory = stat_of_path(upper);
  if (!directory) return errno_error("statx " + upper);
  for (const auto& [number, filesystem] : filesystems_) {
    if (filesystem.device == device_of(*directory)) return number;
  }
  Result<std::shared_ptr<WatchedFilesystem>> opened = WatchedFilesystem::open(upper, counters_);
  if (!opened) return opened.error();
  const std::uint64_t number = next_filesystem_++;
  if (Status added = epoll_.add((*opened)->fd(), EPOLLIN, number); !added) return added.error();
  filesystems_[number] = {device_of(*directory), std::move(*opened)};
  return number;
}

void ChangeWatch::set_layers(std::uint64_t filesystem) {
  std::vector<std::shared_ptr<const WatchedLayer>> layers;
  for (const auto& [key, watched] : watched_) {
    if (watched.filesystem == filesystem) layers.push_back(watched.layer);
  }
  const auto found = filesystems_.find(filesystem);
  if (!layers.empty()) {
    found->second.watched->set_layers(std::move(layers));
    return;
  }
  epoll_.remove(found->second.watched->fd());
  filesystems_.erase(found);
}

Status ChangeWatch::add(const std::string& key, std::shared_ptr<const WatchedLayer> layer) {
  std::lock_guard lock(watched_mutex_);
  const Result<std::uint64_t> filesystem = filesystem_of(layer->upper);
  if (!filesystem) return filesystem.error();
  Watched& watched = watched_[key];
  const std::uint64_t before = std::exchange(watched.filesystem, *filesystem);
  watched.layer = std::move(layer);
  set_layers(*filesystem);
  if (before != 0 && before != *filesystem) set_layers(before);
  return {};
}

void ChangeWatch::remove(const std::string& key) {
  std::lock_guard lock(watched_mutex_);
  const auto found = watched_.find(key);
  if (found == watched_.end()) return;
  const std::uint64_t filesystem = found->second.filesystem;
  watched_.erase(found);
  set_layers(filesystem);
}

void ChangeWatch::read() {
  while (!stopping_) {
    const Result<std::uint64_t> key = epoll_.wait();
    if (!key) {
      spdlog::error("the change watch ends: {}", key.error().message());
      return;
    }
    if (*key == kWake) continue;
    std::shared_ptr<WatchedFilesystem> filesystem;
    {
      std::lock_guard lock(watched_mutex_);
      const auto found = filesystems_.find(*key);
      if (found == filesystems_.end()) continue;
      filesystem = found->second.watched;
    }
    const WatchedFilesystem::Served served =
        filesystem->serve([this](LayerChange change) { push(std::move(change)); });
    if (served.overflow || dropped_) tell_of_overflow(*filesystem);
    dropped_ = false;
    if (!served.in_layers && in_storm()) std::this_thread::sleep_for(kBatch);
  }
}

bool ChangeWatch::in_storm() {
  const Time now = Clock::now();
  if (now - window_ > kWindow) {
    window_ = now;
    reads_ = 0;
  }
  return ++reads_ > kAtOnce;
}

void ChangeWatch::tell_of_overflow(const WatchedFilesystem& filesystem) {
  const Time now = Clock::now();
  if (now - overflow_told_ < kBetweenOverflows) return;
  overflow_told_ = now;
  AlertRecord record;
  record.time = std::chrono::system_clock::now();
  record.outcome = Outcome::unprotected;
  record.reason =
      "too many changes at once on the filesystem of " + filesystem.name() +
      ": executables that were made there by rename, link or chmod may not have been told of";
  spdlog::warn("{}", record.reason);
  services_.report(std::move(record));
}

void ChangeWatch::push(LayerChange change) {
  std::unique_lock lock(changes_mutex_);
  if (change.later) {
    if (later_.size() >= kMostLater) {
      later_.pop_front();
      ++counters_.overflows;
      dropped_ = true;
    }
    change.fd.reset();
    later_.push_back({Clock::now() + settings_.gates_take, std::move(change)});
  } else {
    changes_wake_.wait(lock, [&] { return stopping_ || changes_.size() < kMostChanges; });
    if (stopping_) return;
    changes_.push_back(std::move(change));
  }
  lock.unlock();
  changes_wake_.notify_all();
}

std::optional<LayerChange> ChangeWatch::next() {
  std::unique_lock lock(changes_mutex_);
  const auto something = [&] { return stopping_ || !changes_.empty(); };
  for (;;) {
    if (stopping_) return std::nullopt;
    std::deque<LayerChange>& first = changes_;
    if (!first.empty()) {
      LayerChange change = std::move(first.front());
      first.pop_front();
      lock.unlock();
      changes_wake_.notify_all();
      return change;
    }
    if (later_.empty()) {
      changes_wake_.wait(lock);
    } else if (later_.front().due <= Clock::now()) {
      LayerChange change = std::move(later_.front().change);
      later_.pop_front();
      return change;
    } else {
      const Time due = later_.front().due;
      changes_wake_.wait_until(lock, due, something);
    }
  }
}

void ChangeWatch::judge() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);  // of this thread alone
  while (std::optional<LayerChange> change = next()) judge(std::move(*change));
}

void ChangeWatch::judge(LayerChange change) {
  if (change.later && (is_covered(change) || !reopen(change))) return;
  const std::optional<FileStat> file = stat_of(change.fd.get());
  // What was written meanwhile was opened for it, in sight of the gates.
  if (!file || (change.later && file->stx_size > 0)) return;
  RootContent& content = *change.layer->content;
  std::optional<Act> act = change_gate(change.mask, *file, change.path, content);
  if (act && act->needs_comparison) {
    const std::string same = "/proc/self/fd/" + std::to_string(change.fd.get());
    if (is_metadata_copy(same, change.path)) return;
    // Moved since: that is a change of its own, of another path with another original.
    const Result<std::string> path = path_of_descriptor(change.fd.get());
    if (!path || !path->ends_with(change.path)) return;
    const UniqueFd fd(::open(same.c_str(), O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC));
    if (!fd.valid()) return;
    act = compare_gate(std::move(*act), fd.get(), content);
  }
  if (!act) return;
  std::lock_guard lock(telling_mutex_);
  const std::shared_ptr<ContainerGuard> guard = change.layer->guard.lock();
  if (guard && !stopping_) guard->changed(*act, *change.actor);
}

}  // namespace holdfast
