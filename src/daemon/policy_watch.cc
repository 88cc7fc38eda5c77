#include "daemon/policy_watch.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <set>

namespace holdfast {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                   IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// What an editor or the kubelet does in several steps is one change; they take milliseconds. A
// stream of changes must not put the reload off for ever.
constexpr std::chrono::milliseconds kQuiet{50};
constexpr std::chrono::milliseconds kLongest{300};

std::string parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? "." : parent.string();
}

// The directories whose entries decide what is read from that path.
std::set<std::string> directories_of(const std::string& path) {
  fs::path clean(path);
  if (!clean.has_filename()) clean = clean.parent_path();  // a slash at the end
  std::set<std::string> directories{parent_of(clean)};
  std::error_code error;
  if (fs::is_directory(clean, error)) directories.insert(clean.string());
  const fs::path real = fs::canonical(clean, error);
  if (!error) directories.insert(parent_of(real));
  return directories;
}

}  // namespace

Result<std::unique_ptr<PolicyWatch>> PolicyWatch::start(std::vector<std::string> paths,
                                                        std::function<void()> changed) {
  UniqueFd inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.valid()) {
    return errno_error("watch the policy files",
                       "raise fs.inotify.max_user_instances, or reload by SIGHUP");
  }
  UniqueFd stop(eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) return errno_error("eventfd");
  return std::unique_ptr<PolicyWatch>(
      new PolicyWatch(std::move(paths), std::move(changed), std::move(inotify), std::move(stop)));
}

PolicyWatch::PolicyWatch(std::vector<std::string> paths, std::function<void()> changed,
                         UniqueFd inotify, UniqueFd stop)
    : paths_(std::move(paths)),
      changed_(std::move(changed)),
      inotify_(std::move(inotify)),
      stop_(std::move(stop)) {
  add_marks();
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "policy-watch");
    run();
  });
}

PolicyWatch::~PolicyWatch() {
  const std::uint64_t one = 1;
  (void)!write(stop_.get(), &one, sizeof one);
  thread_.join();
}

// A directory that is not there yet is seen by its parent, when it comes.
void PolicyWatch::add_marks() {
  for (const std::string& path : paths_) {
    for (const std::string& directory : directories_of(path)) {
      inotify_add_watch(inotify_.get(), directory.c_str(), kChanges);
    }
  }
}

bool PolicyWatch::drain() {
  alignas(inotify_event) std::array<char, 16 << 10> buffer;
  bool any = false;
  for (;;) {
    const ssize_t size = read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) return any;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      if ((event->mask & IN_IGNORED) == 0) any = true;
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
}

void PolicyWatch::run() {
  std::array<pollfd, 2> fds{{{stop_.get(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}}};
  const auto wait = [&](int timeout) {
    for (;;) {
      const int ready = poll(fds.data(), fds.size(), timeout);
      if (ready >= 0 || errno != EINTR) return ready;
    }
  };
  while (wait(-1) > 0 && fds[0].revents == 0) {
    if (!drain()) continue;
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < kLongest &&
           wait(static_cast<int>(kQuiet.count())) > 0 && fds[0].revents == 0) {
      drain();
    }
    if (fds[0].revents != 0) return;
    add_marks();  // before the files are read: what comes later is a change of its own
    changed_();
  }
}

}  // namespace holdfast
