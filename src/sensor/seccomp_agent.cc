#include "sensor/seccomp_agent.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include <system_error>

#include "kernel/caller_memory.h"
#include "sensor/permission_look.h"

namespace holdfast {
namespace {

constexpr std::uint64_t kStopKey = 0;
constexpr std::uint64_t kSocketKey = 1;
constexpr std::uint64_t kTimerKey = 2;
constexpr std::uint64_t kFirstKey = 3;
// One thread at a time for each descriptor: a RECV would block if another took its notification.
constexpr std::uint32_t kOneTurn = EPOLLIN | EPOLLONESHOT;
constexpr int kTurnNotifications = 16;
constexpr std::size_t kMostConnections = 64;  // the others wait in the socket's queue
constexpr std::chrono::milliseconds kStateTakes{2000};
constexpr std::size_t kFewestThreads = 2;
constexpr std::size_t kMostThreads = 32;
constexpr std::chrono::milliseconds kStopTakes{300};
// A container that has just been started may not be covered yet.
constexpr int kCoverTakesMs = 1000;
constexpr int kCoverLookMs = 20;
constexpr std::chrono::milliseconds kLookTakes{1000};
constexpr std::size_t kLongestMarks = 4 << 20;
constexpr std::size_t kLongestName = 250;  // with its NUL, as memfd_create(2) has it

bool is_readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN) != 0;
}

bool is_hung_up(int fd) {
  pollfd waiting{fd, 0, 0};
  return poll(&waiting, 1, 0) == 1 && (waiting.revents & (POLLHUP | POLLERR)) != 0;
}

// One more memory file like this one, for that container.
bool limit_allows(ContainerGuard& guard, int file) {
  MemoryFileLimit& limit = guard.memory_files();
  const bool allowed = limit.allows(
      MemoryFileLimit::Time::clock::now(), [&guard, file]() -> std::optional<std::size_t> {
        const std::string marks = "/proc/self/fdinfo/" + std::to_string(guard.group().fd());
        const Result<std::string> text = read_small_file(marks, kLongestMarks);
        struct stat kind {};
        if (!text || fstat(file, &kind) != 0) return std::nullopt;
        return count_inode_marks(*text, kind.st_dev);
      });
  if (!allowed && limit.is_first_refusal()) {
    const std::shared_ptr<const Workload> owner = guard.workload();
    spdlog::warn("{} has {} memory files, and gets no more until it closes some (ENFILE)",
                 owner ? owner->container.id : "a container", MemoryFileLimit::kMost);
  }
  return allowed;
}

std::string proc(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

}  // namespace

Result<std::unique_ptr<SeccompAgent>> SeccompAgent::start(SeccompAgentServices services) {
  if (Status known = check_notification_size(); !known) return known.error();
  Result<Epoll> epoll = Epoll::create();
  if (!epoll) return epoll.error();
  std::unique_ptr<SeccompAgent> agent(new SeccompAgent(std::move(*epoll), std::move(services)));
  for (const auto& [fd, key] :
       {std::pair(agent->stop_.fd(), kStopKey), std::pair(agent->timer_.get(), kTimerKey)}) {
    if (Status added = agent->epoll_.add(fd, EPOLLIN, key); !added) return added.error();
  }
  while (std::shared_ptr<SeccompListener> left = agent->services_.listeners.take_over()) {
    agent->add_listener(std::move(left), "");
  }
  {
    std::lock_guard lock(agent->mutex_);
    for (std::size_t i = 0; i < kFewestThreads; ++i) agent->add_thread();
    agent->threads_.emplace_back([a = agent.get()] { a->answer_inherited(); });
    ++agent->running_;
  }
  if (Status added = agent->epoll_.add(agent->services_.socket, kOneTurn, kSocketKey); !added) {
    return added.error();
  }
  return agent;
}

SeccompAgent::SeccompAgent(Epoll epoll, SeccompAgentServices services)
    : epoll_(std::move(epoll)),
      services_(std::move(services)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      next_key_(kFirstKey) {}

SeccompAgent::~SeccompAgent() {
  stopping_ = true;
  stop_.raise();
  for (std::thread& thread : threads_) thread.join();
}

void SeccompAgent::stop() {
  stopping_ = true;
  stop_.raise();
  std::unique_lock lock(mutex_);
  thread_ended_.wait_for(lock, kStopTakes, [&] { return running_ == 0; });
}

void SeccompAgent::add_thread() {
  try {
    threads_.emplace_back([this] { serve(); });
    ++running_;
  } catch (const std::system_error&) {
    // No thread to be had: those that there are go on.
  }
}

void SeccompAgent::serve() {
  while (!stopping_) {
    {
      std::lock_guard lock(mutex_);
      ++idle_;
    }
    const Result<std::uint64_t> key = epoll_.wait();
    {
      std::lock_guard lock(mutex_);
      if (--idle_ == 0 && threads_.size() < kMostThreads && !stopping_) add_thread();
    }
    if (!key || *key == kStopKey) break;
    handle(*key);
  }
  std::lock_guard lock(mutex_);
  --running_;
  thread_ended_.notify_all();
}

void SeccompAgent::handle(std::uint64_t key) {
  if (key == kSocketKey) return accept_one();
  if (key == kTimerKey) return drop_slow_connections();
  std::shared_ptr<SeccompConnection> connection;
  std::shared_ptr<Listener> listener;
  {
    std::lock_guard lock(mutex_);
    if (const auto found = listeners_.find(key); found != listeners_.end()) {
      listener = found->second;
    } else if (const auto other = connections_.find(key); other != connections_.end()) {
      connection = other->second;
    }
  }
  if (listener) serve_listener(key, listener);
  if (connection) serve_connection(key, connection);
}

void SeccompAgent::accept_one() {
  UniqueFd fd(accept4(services_.socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  bool more = true;
  if (fd.valid()) {
    const auto connection = std::make_shared<SeccompConnection>(std::move(fd));
    std::lock_guard lock(mutex_);
    const std::uint64_t key = next_key_++;
    connections_.emplace(key, connection);
    more = connections_.size() < kMostConnections;
    if (!epoll_.add(connection->fd(), kOneTurn, key)) connections_.erase(key);
    const itimerspec once{{}, {kStateTakes.count() / 1000, 100'000'000}};
    if (connections_.size() == 1) timerfd_settime(timer_.get(), 0, &once, nullptr);
  } else if (errno == EMFILE || errno == ENFILE) {
    wait_for_stop(kCoverLookMs);
  }
  if (more) (void)epoll_.rearm(services_.socket, kOneTurn, kSocketKey).ok();
}

void SeccompAgent::serve_connection(std::uint64_t key,
                                    const std::shared_ptr<SeccompConnection>& connection) {
  Result<std::optional<SeccompConnection::Listener>> received = connection->receive();
  if (received && !*received) {
    (void)epoll_.rearm(connection->fd(), kOneTurn, key).ok();
    return;
  }
  if (!received) {
    // The first of many, not all: whoever can connect is root and may be broken.
    if (counters_.states_refused < 16) spdlog::warn("{}", received.error().message());
    end_connection(key, true);
    return;
  }
  SeccompConnection::Listener& listener = **received;
  Result<std::shared_ptr<SeccompListener>> kernel =
      services_.listeners.add(listener.container_id, std::move(listener.fd));
  if (kernel) {
    ++counters_.states;
    add_listener(std::move(*kernel), std::move(listener.container_id));
  } else {
    spdlog::error("{}", kernel.error().message());
  }
  end_connection(key, !kernel);
}

void SeccompAgent::end_connection(std::uint64_t key, bool refused) {
  std::lock_guard lock(mutex_);
  if (connections_.erase(key) == 0) return;
  if (refused) ++counters_.states_refused;
  if (connections_.size() + 1 == kMostConnections) {
    (void)epoll_.rearm(services_.socket, kOneTurn, kSocketKey).ok();
  }
}

void SeccompAgent::drop_slow_connections() {
  std::uint64_t times = 0;
  if (read(timer_.get(), &times, sizeof times) < 0) return;
  std::vector<std::uint64_t> slow;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [key, connection] : connections_) {
      if (connection->is_older_than(kStateTakes)) slow.push_back(key);
    }
  }
  for (const std::uint64_t key : slow) end_connection(key, true);
  std::lock_guard lock(mutex_);
  const itimerspec once{{}, {0, 200'000'000}};
  if (!connections_.empty()) timerfd_settime(timer_.get(), 0, &once, nullptr);
}

void SeccompAgent::add_listener(std::shared_ptr<SeccompListener> kernel, std::string container_id) {
  const auto listener = std::make_shared<Listener>();
  listener->kernel = std::move(kernel);
  listener->container_id = std::move(container_id);
  std::lock_guard lock(mutex_);
  const std::uint64_t key = next_key_++;
  listeners_.emplace(key, listener);
  if (Status added = epoll_.add(listener->kernel->fd(), kOneTurn, key); !added) {
    spdlog::error("{}", added.error().message());
    listeners_.erase(key);
  }
}

void SeccompAgent::serve_listener(std::uint64_t key, const std::shared_ptr<Listener>& listener) {
  SeccompListener& kernel = *listener->kernel;
  for (int i = 0; i < kTurnNotifications && !stopping_ && is_readable(kernel.fd()); ++i) {
    NotificationSlot* slot = services_.notifications->take(kernel.place());
    if (slot == nullptr) break;
    if (kernel.receive(slot->notification)) {
      slot->state = NotificationSlot::received;
      answer(*listener, slot->notification);
    }
    slot->state = NotificationSlot::free;
  }
  if (is_hung_up(kernel.fd())) {
    std::lock_guard lock(mutex_);
    epoll_.remove(kernel.fd());
    listeners_.erase(key);
    return;
  }
  (void)epoll_.rearm(kernel.fd(), kOneTurn, key).ok();
}

void SeccompAgent::answer_inherited() {
  for (NotificationSlot& slot : services_.notifications->slots()) {
    if (slot.state != NotificationSlot::received || stopping_) continue;
    std::shared_ptr<Listener> listener;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [key, candidate] : listeners_) {
        if (candidate->kernel->place() == slot.listener) listener = candidate;
      }
    }
    if (listener) answer(*listener, slot.notification);
    slot.state = NotificationSlot::free;
  }
  std::lock_guard lock(mutex_);
  --running_;
  thread_ended_.notify_all();
}

void SeccompAgent::answer(Listener& listener, const seccomp_notif& notification) {
  ++counters_.notifications;
  Status answered;
  switch (calls_.of(notification.data).value_or(NotifiedCall::memfd_create)) {
    case NotifiedCall::memfd_create:
      answered = calls_.of(notification.data) ? answer_memory_file(listener, notification)
                                              : listener.kernel->let_happen(notification.id);
      break;
    case NotifiedCall::mount:
      answered = answer_by_policy(listener, notification, "a mount of the container's own");
      break;
    case NotifiedCall::namespaces:
      answered = answer_by_policy(listener, notification, "a mount or user namespace of its own");
      break;
    case NotifiedCall::io_uring:
      answered = answer_by_policy(listener, notification, "io_uring");
      break;
    default:
      answered = answer_permission_call(listener, notification);
      break;
  }
  // ENOENT: the caller was killed, or a signal interrupted it; then it asks again. EINPROGRESS: a
  // worker that died had answered.
  const int code = answered ? 0 : answered.error().code;
  if (code != 0 && code != ENOENT && code != EINPROGRESS) {
    spdlog::error("{}", answered.error().message());
  }
}

// One mark asks about an execve: two would tell of it twice where it is let happen.
Status SeccompAgent::mark_memory_file(ContainerGuard& guard, int fd, unsigned flags) const {
  if ((flags & MFD_HUGETLB) != 0) {
    const std::optional<FileStat> file = stat_of(fd);
    if (file && services_.is_gated(device_of(*file))) return {};
  }
  return guard.group().mark(MarkScope::inode, FAN_OPEN_EXEC_PERM,
                            "/proc/self/fd/" + std::to_string(fd));
}

Status SeccompAgent::answer_memory_file(Listener& listener, const seccomp_notif& notification) {
  SeccompListener& kernel = *listener.kernel;
  const auto tid = static_cast<pid_t>(notification.pid);
  const std::shared_ptr<ContainerGuard> guard = guard_of(listener, tid);
  if (!guard) {
    ++counters_.uncovered;
    return kernel.let_happen(notification.id);
  }
  const std::optional<std::string> name = read_string(tid, notification.data.args[0], kLongestName);
  if (!name) return kernel.fail(notification.id, EFAULT);
  const Result<std::string> status = read_small_file(proc(tid, "status"), 8192);
  const std::optional<Owner> owner = status ? filesystem_ids(*status) : std::nullopt;
  if (!owner) return kernel.fail(notification.id, EPERM);  // it is gone
  const auto flags = static_cast<unsigned>(notification.data.args[1]);
  const Result<UniqueFd> file = make_memory_file(*name, flags, *owner);
  if (!file) return kernel.fail(notification.id, file.error().code);
  if (!limit_allows(*guard, file->get())) return kernel.fail(notification.id, ENFILE);
  if (Status marked = mark_memory_file(*guard, file->get(), flags); !marked) {
    spdlog::error("a memory file could not be marked: {}", marked.error().message());
    return services_.fail_mode == FailMode::deny ? kernel.fail(notification.id, EPERM)
                                                 : kernel.let_happen(notification.id);
  }
  Status given = kernel.return_descriptor(notification.id, file->get(), (flags & MFD_CLOEXEC) != 0);
  if (given) {
    ++counters_.memory_files;
    return given;
  }
  const int code = given.error().code;
  if (code == ENOENT) return given;
  if (code != ENOTTY) return kernel.fail(notification.id, code);
  if (counters_.unsupported++ == 0) {
    spdlog::error("this kernel cannot give a file to a caller (5.9 can): memfd_create is refused");
  }
  Act act;
  act.operation = Operation::exec_memfd;
  act.mechanism = Mechanism::seccomp;
  act.path = "/memfd:" + *name + " (deleted)";
  act.reason = "a memory file that this kernel cannot watch";
  return refuse_by_policy(listener, notification, *guard, act);
}

Status SeccompAgent::answer_by_policy(Listener& listener, const seccomp_notif& notification,
                                      const char* what) {
  const auto tid = static_cast<pid_t>(notification.pid);
  const std::shared_ptr<ContainerGuard> guard = guard_of(listener, tid);
  Act act;
  act.operation = Operation::create_executable;
  act.mechanism = Mechanism::seccomp;
  act.path = "/";
  act.reason = what;
  if (guard) return refuse_by_policy(listener, notification, *guard, act);
  ++counters_.let_happen;
  return listener.kernel->let_happen(notification.id);
}

// What cannot be told, or not in time, may happen: the exec gate decides about what comes of it.
Status SeccompAgent::answer_permission_call(Listener& listener, const seccomp_notif& notification) {
  const auto tid = static_cast<pid_t>(notification.pid);
  const auto call = permission_call(*calls_.of(notification.data), notification.data);
  const std::shared_ptr<ContainerGuard> guard = call ? guard_of(listener, tid) : nullptr;
  std::optional<Act> act;
  if (guard) {
    const std::shared_ptr<const Workload> owner = guard->workload();
    act = services_.calls
              ->run(owner ? owner->container.id : "", kLookTakes,
                    [call = *call, tid, root = guard->root(), places = guard->places()] {
                      return look_at_permission_call(call, tid, root, *places);
                    })
              .value_or(std::nullopt);
  }
  // Of another process, if this one has gone meanwhile and its number was taken.
  if (act && listener.kernel->still_waits(notification.id)) {
    return refuse_by_policy(listener, notification, *guard, *act);
  }
  ++counters_.let_happen;
  return listener.kernel->let_happen(notification.id);
}

Status SeccompAgent::refuse_by_policy(Listener& listener, const seccomp_notif& notification,
                                      ContainerGuard& guard, const Act& act) {
  if (guard.refuses(act, static_cast<pid_t>(notification.pid))) {
    ++counters_.refused;
    return listener.kernel->fail(notification.id, EPERM);
  }
  ++counters_.let_happen;
  return listener.kernel->let_happen(notification.id);
}

std::shared_ptr<ContainerGuard> SeccompAgent::guard_of(Listener& listener, pid_t pid) {
  if (std::shared_ptr<ContainerGuard> known = listener.guard.lock()) return known;
  if (listener.container_id.empty()) {
    const Result<std::string> cgroup = read_small_file(proc(pid, "cgroup"));
    const auto id = cgroup ? container_of_process(*cgroup, services_.known_ids) : std::nullopt;
    std::lock_guard lock(mutex_);
    listener.container_id = id.value_or("");
  }
  for (int waited = 0;; waited += kCoverLookMs) {
    const std::optional<ObjectId> root = object_id(proc(pid, "root"));
    if (!root) return nullptr;  // it is gone
    if (std::shared_ptr<ContainerGuard> guard =
            services_.guard_of(listener.container_id, root->device)) {
      listener.guard = guard;
      return guard;
    }
    if (listener.waited_in_vain) return nullptr;
    if (waited == 0) services_.look_for_containers();
    if (wait_for_stop(kCoverLookMs)) return nullptr;
    listener.waited_in_vain = waited >= kCoverTakesMs;
  }
}

bool SeccompAgent::wait_for_stop(int milliseconds) {
  pollfd waiting{stop_.fd(), POLLIN, 0};
  return poll(&waiting, 1, milliseconds) > 0;
}

std::size_t SeccompAgent::listeners() const {
  std::lock_guard lock(mutex_);
  return listeners_.size();
}

bool SeccompAgent::listens_to(const std::string& container_id) const {
  const std::uint64_t digest = descriptor_key(container_id).high;
  std::lock_guard lock(mutex_);
  for (const auto& [key, listener] : listeners_) {
    if (listener->kernel->key().high == digest) return true;
  }
  return false;
}

}  // namespace holdfast
