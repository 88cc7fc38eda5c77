#include "daemon/keeper.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "daemon/log_output.h"
#include "kernel/fanotify.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMs = 1'000'000;
constexpr int kTickMs = 500;
constexpr int kFailingTickMs = 20;  // while the keeper itself answers
constexpr std::int64_t kRecentNs = 10'000 * kMs;
constexpr std::int64_t kEndTakesNs = 500 * kMs;  // from SIGKILL to the worker's end
constexpr int kMostUnreadPerGroup = 64;          // answered at one go

milliseconds since(std::int64_t then_ns, std::int64_t now_ns) {
  return milliseconds(std::max<std::int64_t>(0, now_ns - then_ns) / kMs);
}

// No allocation: the keeper's own printf.
template <typename... Arguments>
void log(const char* level, const char* format, Arguments... arguments) {
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(), format, arguments...);  // NOLINT: formats are ours
  write_log_line(level, text.data());
}

sigset_t keeper_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1}) sigaddset(&signals, signal);
  return signals;
}

// fork(2), but with one descriptor table for both. glibc keeps the thread's id in its own memory;
// the kernel stores the new one there, as fork() has it do.
pid_t fork_sharing_descriptors() {
  int* thread_id = nullptr;
  if (prctl(PR_GET_TID_ADDRESS, &thread_id, 0, 0, 0) != 0) thread_id = nullptr;
  const unsigned long tid_flags =
      thread_id != nullptr ? CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID : 0;
  return static_cast<pid_t>(
      syscall(SYS_clone, CLONE_FILES | SIGCHLD | tid_flags, nullptr, nullptr, thread_id, nullptr));
}

}  // namespace

Keeper::Keeper(SharedState& state, ServiceManager manager, KeeperSettings settings,
               std::function<int()> worker)
    : state_(state),
      manager_(std::move(manager)),
      settings_(settings),
      worker_main_(std::move(worker)),
      watched_(DescriptorTable::kEntries),
      polled_(DescriptorTable::kEntries),
      polled_places_(DescriptorTable::kEntries) {}

void Keeper::inherit(std::vector<StoredDescriptor> stored) {
  struct Left {
    DescriptorKind kind;
    DescriptorKey key;
    int number;
    pid_t tid;
    bool runs;
  };
  std::vector<Left> left;
  for (EventSlot& slot : state_.events.slots()) {
    const bool read =
        slot.state == EventSlot::waiting || slot.state == EventSlot::answering ||
        (slot.state == EventSlot::reading && slot.event.vers == FANOTIFY_METADATA_VERSION);
    if (!read || !asks_permission(slot) || slot.group >= DescriptorTable::kEntries) continue;
    const HeldDescriptor& entry = state_.descriptors[slot.group];
    left.push_back({entry.kind, entry.key, slot.event.fd, slot.event.pid,
                    (slot.event.mask & FAN_OPEN_EXEC_PERM) != 0});
  }
  struct LeftCall {
    DescriptorKey key;
    seccomp_notif notification;
  };
  std::vector<LeftCall> left_calls;
  state_.notifications.recover();
  for (const NotificationSlot& slot : state_.notifications.slots()) {
    if (slot.state != NotificationSlot::received || slot.listener >= DescriptorTable::kEntries)
      continue;
    left_calls.push_back({state_.descriptors[slot.listener].key, slot.notification});
  }
  state_.clear();
  for (StoredDescriptor& descriptor : stored) {
    const auto named = parse_descriptor_name(descriptor.name);
    if (!named) continue;
    const auto& [kind, key] = *named;
    // Their descriptors died with the process that had read them; only the numbers answer.
    for (const Left& event : left) {
      if (event.kind != kind || event.key != key) continue;
      if (event.runs) state_.undecided_execs.add(event.tid);
      answer_event(descriptor.fd.get(), event.number, settings_.allow_undecided);
    }
    const auto place = state_.descriptors.add(kind, key, descriptor.fd.get());
    if (!place) continue;
    descriptor.fd.release();
    state_.descriptors[*place].stored = 1;
    state_.descriptors[*place].state = HeldDescriptor::unclaimed;
    // The first worker answers what an earlier one had received.
    for (const LeftCall& call : left_calls) {
      if (kind != DescriptorKind::seccomp_listener || call.key != key) continue;
      NotificationSlot* slot = state_.notifications.take(*place);
      slot->notification = call.notification;
      slot->state = NotificationSlot::received;
    }
  }
  if (!left.empty()) {
    log("warning", "%zu opens were left undecided by the daemon that ended", left.size());
    state_.undecided_untold += left.size();
    state_.counters.undecided += left.size();
  }
}

int Keeper::run() {
  const sigset_t signals = keeper_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  start_worker();
  std::int64_t looked_ns = 0;
  while (!done_) {
    const int tick = tick_ms();
    const timespec wait{tick / 1000, (tick % 1000) * kMs};
    const int signal = sigtimedwait(&signals, nullptr, &wait);
    if (signal > 0) handle_signal(signal);
    const std::int64_t now = monotonic_ns();
    // A worker that signals all the time must not keep the keeper from its rounds.
    if (done_ || (signal > 0 && now - looked_ns < tick * kMs)) continue;
    looked_ns = now;
    look_after_worker();
    follow_descriptors();
    manager_.notify("WATCHDOG=1");
  }
  end_groups(state_.descriptors);  // together, where the process's end would close one by one
  return exit_status_;
}

int Keeper::tick_ms() const {
  const bool failing = worker_ == 0 || killed_ns_ != 0 || stopping_;
  if (failing) return kFailingTickMs;
  const int watchdog = static_cast<int>(manager_.watchdog().count());
  const int heartbeat = static_cast<int>(settings_.heartbeat.count()) / 4;
  const int tick = std::min(kTickMs, std::max(heartbeat, kFailingTickMs));
  return watchdog > 0 ? std::min(tick, watchdog / 3) : tick;
}

void Keeper::handle_signal(int signal) {
  switch (signal) {
    case SIGCHLD:
      reap();
      break;
    case SIGHUP:
      if (worker_ != 0) kill(worker_, SIGHUP);
      break;
    case SIGUSR1:  // from the worker: ready, or the descriptor table changed
      // Stored before ready is told: from then on a restart opens no gap.
      follow_descriptors();
      report_ready();
      break;
    default:
      if (stopping_) break;
      stopping_ = true;
      follow_descriptors();  // the last ones may not be stored yet
      manager_.notify("STOPPING=1");
      stop_at_ns_ = monotonic_ns() + settings_.stop.count() * kMs;
      if (worker_ != 0) {
        kill(worker_, SIGTERM);
      } else {
        done_ = true;
      }
  }
}

void Keeper::start_worker() {
  state_.ready = 0;
  ++state_.worker_starts;  // before there is a worker to read it
  const pid_t keeper = getpid();
  const pid_t pid = fork_sharing_descriptors();
  if (pid == 0) {
    // Without its keeper a worker answers what it has read and ends.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != keeper) _exit(0);
    _exit(worker_main_());
  }
  started_ns_ = progress_ns_ = monotonic_ns();
  progress_ = 0;
  killed_ns_ = ready_ns_ = 0;
  if (pid < 0) {
    log("error", "clone of a worker: error %d", errno);
    --state_.worker_starts;
    ++failed_;
    start_at_ns_ =
        started_ns_ + std::max<std::int64_t>(restart_delay(failed_, 0).count(), 50) * kMs;
    return;
  }
  worker_ = pid;
  std::fill(watched_.begin(), watched_.end(), Watched{});
}

void Keeper::reap() {
  int status = 0;
  pid_t pid = 0;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid == worker_) worker_ended(status);
  }
}

void Keeper::worker_ended(int status) {
  worker_ = 0;
  const bool was_ready = state_.ready != 0;
  ever_ready_ |= was_ready;
  state_.events.recover();
  state_.notifications.recover();
  state_.descriptors.recover();
  if (stopping_ || (!ever_ready_ && WIFEXITED(status))) {
    // The end that was asked for, or a start that is refused: the worker has said why.
    done_ = true;
    exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    answer_left_events();
    return;
  }
  const std::int64_t now = monotonic_ns();
  failed_ = was_ready ? 0 : failed_ + 1;
  deaths_ns_[deaths_++ % deaths_ns_.size()] = now;
  const auto recent = static_cast<unsigned>(
      std::count_if(deaths_ns_.begin(), deaths_ns_.end(),
                    [&](std::int64_t at) { return at != 0 && now - at < kRecentNs; }));
  if (WIFSIGNALED(status)) {
    log("error", "the worker died of signal %d; starting another", WTERMSIG(status));
  } else {
    log("error", "the worker ended with status %d; starting another", WEXITSTATUS(status));
  }
  const std::int64_t delay = restart_delay(failed_, recent).count() * kMs;
  start_at_ns_ = now + delay;
  if (delay == 0) start_worker();
}

void Keeper::report_ready() {
  if (state_.ready == 0) return;
  if (ready_ns_ == 0) ready_ns_ = monotonic_ns();
  failed_ = 0;
  ever_ready_ = true;
  if (!told_ready_) told_ready_ = manager_.notify("READY=1");
}

void Keeper::look_after_worker() {
  report_ready();
  const std::int64_t now = monotonic_ns();
  if (stopping_) {
    if (worker_ != 0 && now > stop_at_ns_) {
      if (killed_ns_ == 0) end_worker("it does not stop");
      answer_left_events();
      if (now - killed_ns_ > kEndTakesNs) {
        // In the kernel's hands for good, with our descriptor table: it must not hold the groups.
        end_groups(state_.descriptors);
        done_ = true;
      }
    }
    return;
  }
  if (worker_ == 0) {
    if (failed_ >= kFailuresUntilFailMode) answer_by_fail_mode();
    if (now >= start_at_ns_) start_worker();
    return;
  }
  if (killed_ns_ != 0) {
    if (now - killed_ns_ > kEndTakesNs) answer_by_fail_mode();
    return;
  }
  if (const char* fault = worker_fault(worker_health(), settings_)) end_worker(fault);
}

WorkerHealth Keeper::worker_health() {
  const std::int64_t now = monotonic_ns();
  WorkerHealth health;
  health.ready = ready_ns_ != 0;
  std::uint64_t progress = state_.ready;
  std::size_t groups = 0;
  for (std::uint32_t i = 0; i < state_.descriptors.used(); ++i) {
    const HeldDescriptor& entry = state_.descriptors[i];
    const bool held = entry.state == HeldDescriptor::held;
    if (held) ++progress;
    if (!held || entry.paused != 0 || entry.kind != DescriptorKind::permission_group) {
      watched_[i] = {entry.reads, 0};
      continue;
    }
    polled_[groups] = {entry.fd, POLLIN, 0};
    polled_places_[groups++] = i;
  }
  if (progress != progress_) {
    progress_ = progress;
    progress_ns_ = now;
    if (!told_ready_) manager_.notify("EXTEND_TIMEOUT_USEC=3000000");
  }
  health.no_progress = since(progress_ns_, now);
  if (!health.ready) return health;

  if (state_.events.used() > 0) {
    for (const EventSlot& slot : state_.events.slots()) {
      if (slot.state != EventSlot::waiting || !asks_permission(slot)) continue;
      health.oldest_waiting = std::max(
          health.oldest_waiting, since(std::max<std::int64_t>(slot.since_ns, ready_ns_), now));
    }
  }
  if (groups == 0 || poll(polled_.data(), groups, 0) < 0) return health;
  for (std::size_t i = 0; i < groups; ++i) {
    Watched& watched = watched_[polled_places_[i]];
    const std::uint64_t reads = state_.descriptors[polled_places_[i]].reads;
    if ((polled_[i].revents & POLLIN) == 0 || reads != watched.reads) {
      watched = {reads, 0};
    } else if (watched.unread_since_ns == 0) {
      watched.unread_since_ns = now;
    } else {
      health.oldest_unread = std::max(health.oldest_unread, since(watched.unread_since_ns, now));
    }
  }
  return health;
}

void Keeper::end_worker(const char* why) {
  log("error", "ending the worker: %s", why);
  kill(worker_, SIGKILL);
  killed_ns_ = monotonic_ns();
  ++state_.workers_killed;
}

void Keeper::follow_descriptors() {
  for (std::uint32_t i = 0; i < state_.descriptors.used(); ++i) {
    HeldDescriptor& entry = state_.descriptors[i];
    if (entry.state == HeldDescriptor::leaving) {
      drop(entry);
    } else if (manager_.present() && entry.stored == 0 && entry.state == HeldDescriptor::held) {
      if (manager_.store(entry.fd, descriptor_name(entry.kind, entry.key).data())) entry.stored = 1;
    }
  }
}

void Keeper::drop(HeldDescriptor& entry) {
  // Its marks are gone; what came before they went is let through.
  for (int i = 0; i < kMostUnreadPerGroup && entry.kind == DescriptorKind::permission_group; ++i) {
    fanotify_event_metadata event{};
    if (read(entry.fd, &event, sizeof event) <= 0) break;
    answer_event(entry.fd, event.fd, true);
    close(event.fd);
  }
  if (entry.stored != 0 && !manager_.remove(descriptor_name(entry.kind, entry.key).data())) {
    return;  // its queue is full: at the next look
  }
  close(entry.fd);
  entry.fd = -1;
  entry.state = HeldDescriptor::free;
}

// Read by a worker that is gone.
void Keeper::answer_left_events() {
  for (EventSlot& slot : state_.events.slots()) {
    if (!asks_permission(slot) || !take_answer(slot)) continue;
    if ((slot.event.mask & FAN_OPEN_EXEC_PERM) != 0) state_.undecided_execs.add(slot.event.pid);
    answer_taken(state_.descriptors, slot, settings_.allow_undecided);
    ++state_.counters.undecided;
    ++state_.undecided_untold;
  }
}

void Keeper::answer_unread_events() {
  for (HeldDescriptor& entry : state_.descriptors.entries()) {
    if (!is_open(entry.state) || entry.kind != DescriptorKind::permission_group) continue;
    for (int i = 0; i < kMostUnreadPerGroup; ++i) {
      fanotify_event_metadata event{};
      if (read(entry.fd, &event, sizeof event) <= 0) break;
      if ((event.mask & FAN_OPEN_EXEC_PERM) != 0) state_.undecided_execs.add(event.pid);
      if ((event.mask & (FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM)) != 0) {
        answer_event(entry.fd, event.fd, settings_.allow_undecided);
        ++state_.counters.undecided;
        ++state_.undecided_untold;
      }
      close(event.fd);
    }
  }
}

void Keeper::answer_by_fail_mode() {
  answer_left_events();
  answer_unread_events();
}

void close_strays(SharedState& state, const std::vector<int>& keep) {
  std::vector<int> known = keep;
  for (const HeldDescriptor& entry : state.descriptors.entries()) {
    if (is_open(entry.state)) known.push_back(entry.fd);
  }
  for (const EventSlot& slot : state.events.slots()) {
    if (slot.state == EventSlot::waiting) known.push_back(slot.event.fd);
  }
  std::sort(known.begin(), known.end());
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return;
  std::vector<int> strays;
  while (const dirent* entry = readdir(directory)) {
    const int fd = std::atoi(entry->d_name);
    if (fd > STDERR_FILENO && fd != dirfd(directory) &&
        !std::binary_search(known.begin(), known.end(), fd)) {
      strays.push_back(fd);
    }
  }
  closedir(directory);
  for (const int fd : strays) close(fd);
}

}  // namespace holdfast
