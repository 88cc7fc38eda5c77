#include "daemon/runtime_hold.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "kernel/fanotify.h"
#include "kernel/pending_permission.h"

namespace holdfast {
namespace {

constexpr int kProgressLimitMs = 200;  // then SIGALRM ends the process
constexpr int kPatienceMs = 150;       // for the daemon's word; then the runtime runs unheld
constexpr int kChildSocket = 3;

// What goes over the SOCK_SEQPACKET pair. A release names the hold it answers: one that comes too
// late must not release the next.
struct Word {
  enum Kind : std::uint32_t { held, marked, release, remark } kind = held;
  std::uint32_t number = 0;
};

bool send_word(int socket, Word word) {
  return send(socket, &word, sizeof word, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof word;
}

void set_alarm(int milliseconds) {
  const itimerval timer{{0, 0}, {milliseconds / 1000, (milliseconds % 1000) * 1000L}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

void mark_binaries(FanotifyGroup& group, const std::vector<std::string>& binaries) {
  // A binary that is gone now may be back at the next word; the daemon was told what exists.
  for (const std::string& path : binaries) {
    (void)group.mark(MarkScope::inode, FAN_OPEN_EXEC_PERM, path).ok();
  }
}

// What the daemon last said; the socket's end means that the daemon is gone.
class DaemonEnd {
 public:
  explicit DaemonEnd(int socket) : socket_(socket) {}

  // Waits for the release of `number` at most `milliseconds`; other words are heeded on the way.
  void await_release(std::uint32_t number, int milliseconds, const auto& on_remark) {
    pollfd waiting{socket_, POLLIN, 0};
    while (poll(&waiting, 1, milliseconds) > 0) {
      if (heed(on_remark) == number) return;
    }
    responsive_ = false;
  }

  // Takes one word; the number of a release, else 0.
  std::uint32_t heed(const auto& on_remark) {
    Word word{};
    const ssize_t length = recv(socket_, &word, sizeof word, MSG_DONTWAIT);
    if (length == 0 || (length < 0 && errno != EAGAIN)) _exit(0);
    responsive_ = true;
    if (word.kind == Word::remark) on_remark();
    return word.kind == Word::release ? word.number : 0;
  }

  // A daemon that did not answer once is not waited for again until it speaks.
  bool responsive() const { return responsive_; }

 private:
  int socket_;
  bool responsive_ = true;
};

}  // namespace

int runtime_hold_main(int socket, const std::vector<std::string>& binaries) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "holdfast-hold");
  fcntl(socket, F_SETFD, FD_CLOEXEC);
  Result<std::shared_ptr<FanotifyGroup>> group = open_fanotify_group();
  if (!group) return 2;
  auto remark = [&] { mark_binaries(**group, binaries); };
  remark();
  if (!send_word(socket, {Word::marked, 0})) return 2;
  std::uint32_t number = 0;

  DaemonEnd daemon(socket);
  while (true) {
    std::array<pollfd, 2> waiting{{{(*group)->fd(), POLLIN, 0}, {socket, POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    set_alarm(kProgressLimitMs);  // covers read(), in which the kernel opens the binary
    if (waiting[1].revents != 0) daemon.heed(remark);
    if (waiting[0].revents != 0) {
      Result<std::optional<FanotifyEvent>> event = (*group)->read();
      if (event && *event) {
        PendingPermission pending(*group, std::move(**event), FailMode::allow);
        ++number;
        if (send_word(socket, {Word::held, number}) && daemon.responsive()) {
          daemon.await_release(number, kPatienceMs, remark);
        }
        pending.allow();
      }
    }
    set_alarm(0);
  }
}

Result<std::unique_ptr<RuntimeHold>> RuntimeHold::start(const std::vector<std::string>& binaries) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return errno_error("socketpair for the runtime hold");
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);

  std::vector<std::string> arguments{"holdfast", "runtime-hold", std::to_string(kChildSocket)};
  arguments.insert(arguments.end(), binaries.begin(), binaries.end());
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), kChildSocket);
  // The daemon blocks the signals it waits for; the hold must die of its alarm.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return Error{code, "start the runtime hold", ""};
  return std::unique_ptr<RuntimeHold>(new RuntimeHold(std::move(ours), pid));
}

RuntimeHold::~RuntimeHold() {
  kill(pid_, SIGKILL);  // its group closes: a runtime that waits runs
  waitpid(pid_, nullptr, 0);
}

RuntimeHold::Message RuntimeHold::receive() {
  Word word{};
  const ssize_t length = recv(socket_.get(), &word, sizeof word, MSG_DONTWAIT);
  if (length == 0 || (length < 0 && errno != EAGAIN)) return Message::gone;
  if (length < 0) return Message::none;
  if (word.kind == Word::held) held_ = word.number;
  return word.kind == Word::marked ? Message::ready : Message::held;
}

void RuntimeHold::release() { send_word(socket_.get(), {Word::release, held_}); }
void RuntimeHold::remark() { send_word(socket_.get(), {Word::remark, 0}); }

}  // namespace holdfast
