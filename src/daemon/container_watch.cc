#include "daemon/container_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>

namespace holdfast {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A runtime enters its cgroup, pivots and runs the container some time after its exec was held.
constexpr std::array kLooksAfterHold{milliseconds(20), milliseconds(60), milliseconds(200),
                                     milliseconds(1000)};
constexpr milliseconds kLookAgain{100};
// A hold that dies sooner than that after its start is not started again at once.
constexpr milliseconds kHoldLives{1000};

// A timer that never fires but is cancelled when the wall clock is set.
UniqueFd clock_watch() {
  UniqueFd fd(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec never{};
  never.it_value.tv_sec = 32'503'680'000;  // the year 3000
  timerfd_settime(fd.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr);
  return fd;
}

}  // namespace

Result<std::unique_ptr<ContainerWatch>> ContainerWatch::start(
    const HostView& host, Registry& registry, std::vector<std::string> configured_runtimes) {
  std::unique_ptr<ContainerWatch> watch(
      new ContainerWatch(host, registry, std::move(configured_runtimes)));
  watch->mountinfo_.reset(open(host.mountinfo_path().c_str(), O_RDONLY | O_CLOEXEC));
  if (!watch->mountinfo_.valid()) return errno_error("open " + host.mountinfo_path());
  watch->clock_ = clock_watch();
  watch->start_hold();
  if (Status scanned = registry.scan_mounts(); !scanned) return scanned.error();
  if (registry.scan_cgroups()) watch->looks_.push_back(Clock::now() + kLookAgain);
  registry.release_unclaimed();
  watch->thread_ = std::thread([w = watch.get()] { w->run(); });
  return watch;
}

ContainerWatch::ContainerWatch(const HostView& host, Registry& registry,
                               std::vector<std::string> configured_runtimes)
    : host_(host), registry_(registry), configured_runtimes_(std::move(configured_runtimes)) {}

ContainerWatch::~ContainerWatch() {
  stopping_ = true;
  wake_.raise();
  if (thread_.joinable()) thread_.join();
}

void ContainerWatch::post(std::function<void()> task) {
  std::lock_guard lock(tasks_mutex_);
  tasks_.push_back(std::move(task));
  wake_.raise();
}

void ContainerWatch::start_hold() {
  hold_started_ = Clock::now();
  hold_ready_ = false;
  const std::vector<std::string> binaries = find_runtime_binaries(host_, configured_runtimes_);
  if (binaries.empty()) {
    spdlog::info(
        "no container runtime binary found to hold; new containers are seen by their mounts");
  }
  Result<std::unique_ptr<RuntimeHold>> hold = RuntimeHold::start(binaries);
  if (!hold) {
    spdlog::error("{}", hold.error().message());
    return;
  }
  hold_ = std::move(*hold);
}

void ContainerWatch::serve_hold() {
  switch (hold_->receive()) {
    case RuntimeHold::Message::held:
      scan_mounts();
      if (registry_.scan_cgroups()) looks_.push_back(Clock::now() + kLookAgain);
      hold_->release();
      for (const milliseconds wait : kLooksAfterHold) looks_.push_back(Clock::now() + wait);
      break;
    case RuntimeHold::Message::ready:
      hold_ready_ = true;
      break;
    case RuntimeHold::Message::gone: {
      spdlog::error("the runtime hold died; starting it again");
      hold_.reset();
      ++hold_restarts_;
      const bool lived = Clock::now() - hold_started_ > kHoldLives;
      if (lived) {
        start_hold();
      } else {
        hold_ready_ = false;
        looks_.push_back(Clock::now() + kHoldLives);
      }
      break;
    }
    case RuntimeHold::Message::none:
      break;
  }
}

void ContainerWatch::scan_mounts() {
  if (Status scanned = registry_.scan_mounts(); !scanned) {
    spdlog::error("{}", scanned.error().message());
  }
}

int ContainerWatch::settle() {
  const Clock::time_point now = Clock::now();
  if (std::erase_if(looks_, [&](Clock::time_point at) { return at <= now; }) > 0) {
    if (!hold_) start_hold();
    scan_mounts();
    if (registry_.scan_cgroups()) looks_.push_back(now + kLookAgain);
  }
  if (looks_.empty()) return -1;
  const auto next = *std::min_element(looks_.begin(), looks_.end());
  return static_cast<int>(
      std::max<std::int64_t>(1, std::chrono::duration_cast<milliseconds>(next - now).count()));
}

void ContainerWatch::run() {
  while (!stopping_) {
    const int timeout = settle();
    std::array<pollfd, 4> waiting{{{mountinfo_.get(), POLLPRI, 0},
                                   {hold_ ? hold_->fd() : -1, POLLIN, 0},
                                   {clock_.get(), POLLIN, 0},
                                   {wake_.fd(), POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), timeout) < 0) continue;
    if (waiting[0].revents != 0) {
      scan_mounts();
      if (hold_) hold_->remark();
      looks_.push_back(Clock::now() + kLookAgain);
    }
    if (waiting[1].revents != 0) serve_hold();
    if (waiting[2].revents != 0) {
      spdlog::warn(
          "the clock was set: birth times no longer tell image files of running containers");
      registry_.distrust_birth_order();
      clock_ = clock_watch();
    }
    if (waiting[3].revents != 0) {
      wake_.clear();
      std::vector<std::function<void()>> tasks;
      {
        std::lock_guard lock(tasks_mutex_);
        tasks.swap(tasks_);
      }
      for (const std::function<void()>& task : tasks) task();
    }
  }
}

}  // namespace holdfast
