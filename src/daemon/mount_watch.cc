#include "daemon/mount_watch.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace holdfast {
namespace {

constexpr std::size_t kMostOfContainer = 8;
constexpr std::size_t kMostWatched = 2048;
// A container that mounts in a loop costs a look each time that has passed, no more.
constexpr std::chrono::milliseconds kRest{20};
constexpr std::uint64_t kProcessEnded = 1;  // lowest bit of an event's key
constexpr std::uint64_t kStop = 0;          // keys of namespaces begin at 1

UniqueFd open_process(pid_t pid) {
#ifdef SYS_pidfd_open
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
#else
  return {};
#endif
}

}  // namespace

Result<std::unique_ptr<MountWatch>> MountWatch::start() {
  Result<Epoll> epoll = Epoll::create();
  if (!epoll) return epoll.error();
  std::unique_ptr<MountWatch> watch(new MountWatch(std::move(*epoll)));
  if (Status added = watch->epoll_.add(watch->wake_.fd(), EPOLLIN, kStop); !added) {
    return added.error();
  }
  watch->thread_ = std::thread([w = watch.get()] { w->run(); });
  return watch;
}

MountWatch::~MountWatch() {
  stopping_ = true;
  wake_.raise();
  if (thread_.joinable()) thread_.join();
}

void MountWatch::run() {
  while (!stopping_) {
    const std::optional<std::uint64_t> event = epoll_.wait_for(rearm_due());
    if (event && *event != kStop) serve(*event);
  }
}

void MountWatch::watch(const std::shared_ptr<ContainerMounts>& mounts, ino_t mount_namespace,
                       pid_t pid) {
  std::lock_guard lock(mutex_);
  std::size_t of_container = 0;
  for (const auto& [key, watched] : watched_) {
    if (watched.mounts.lock() != mounts) continue;
    if (watched.mount_namespace == mount_namespace) return;
    ++of_container;
  }
  if (of_container >= kMostOfContainer || watched_.size() >= kMostWatched) return;
  Watched watched{mounts, mount_namespace, pid, {}, open_process(pid)};
  if (!watched.process.valid()) return;
  watched.mountinfo.reset(
      open(("/proc/" + std::to_string(pid) + "/mountinfo").c_str(), O_RDONLY | O_CLOEXEC));
  if (!watched.mountinfo.valid()) return;
  const std::uint64_t key = next_key_++;
  if (!epoll_.add(watched.process.get(), EPOLLIN, key << 1 | kProcessEnded) ||
      !epoll_.add(watched.mountinfo.get(), EPOLLPRI | EPOLLONESHOT, key << 1)) {
    return;
  }
  watched_.emplace(key, std::move(watched));
}

std::vector<pid_t> MountWatch::processes(const ContainerMounts& mounts) const {
  std::vector<pid_t> found;
  std::lock_guard lock(mutex_);
  for (const auto& [key, watched] : watched_) {
    if (watched.mounts.lock().get() == &mounts) found.push_back(watched.pid);
  }
  return found;
}

void MountWatch::serve(std::uint64_t event) {
  const std::uint64_t key = event >> 1;
  std::shared_ptr<ContainerMounts> mounts;
  ino_t mount_namespace = 0;
  pid_t pid = 0;
  const bool ended = (event & kProcessEnded) != 0;
  {
    std::lock_guard lock(mutex_);
    const auto found = watched_.find(key);
    if (found == watched_.end()) return;
    mounts = found->second.mounts.lock();
    mount_namespace = found->second.mount_namespace;
    pid = found->second.pid;
    if (ended || !mounts) {
      watched_.erase(found);
    } else {
      resting_.emplace_back(Clock::now() + kRest, key);
    }
  }
  if (!mounts) return;
  if (ended) {
    mounts->ended(mount_namespace);
  } else {
    mounts->forget(mount_namespace);
    mounts->look(pid);
  }
}

int MountWatch::rearm_due() {
  std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  const auto due = std::partition_point(resting_.begin(), resting_.end(),
                                        [&](const auto& entry) { return entry.first <= now; });
  for (auto entry = resting_.begin(); entry != due; ++entry) {
    const auto found = watched_.find(entry->second);
    if (found == watched_.end()) continue;
    (void)epoll_.rearm(found->second.mountinfo.get(), EPOLLPRI | EPOLLONESHOT, entry->second << 1)
        .ok();
  }
  resting_.erase(resting_.begin(), due);
  if (resting_.empty()) return -1;
  using std::chrono::ceil, std::chrono::milliseconds;
  return static_cast<int>(ceil<milliseconds>(resting_.front().first - now).count());
}

}  // namespace holdfast
