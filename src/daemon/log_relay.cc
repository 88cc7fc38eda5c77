#include "daemon/log_relay.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace holdfast {
namespace {

constexpr int kPipeBytes = 1 << 20;
constexpr int kLastLinesTakeMs = 500;

// Ends when nobody can write to the pipe any more: daemon, worker and runtime hold are gone.
[[noreturn]] void relay(int reader) {
  prctl(PR_SET_NAME, "holdfast-log");
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::signal(signal, SIG_IGN);
  dup2(reader, STDIN_FILENO);
  // What else the daemon was given, groups from the service manager's store for one, is not held
  // here.
  if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0) {
    for (int fd = STDERR_FILENO + 1, end = getdtablesize(); fd < end; ++fd) close(fd);
  }
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) _exit(0);
    for (ssize_t put = 0; put < got;) {
      const ssize_t written =
          write(STDERR_FILENO, buffer.data() + put, static_cast<std::size_t>(got - put));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) break;  // a full disk: these lines are lost
      put += written;
    }
  }
}

}  // namespace

LogRelay::LogRelay() {
  struct stat output {};
  if (fstat(STDERR_FILENO, &output) != 0 || !S_ISREG(output.st_mode)) return;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
  const UniqueFd reader(ends[0]), writer(ends[1]);
  file_ = UniqueFd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!file_.valid()) return;
  fcntl(writer.get(), F_SETPIPE_SZ, kPipeBytes);
  child_ = fork();
  if (child_ == 0) relay(reader.get());
  if (child_ > 0) dup2(writer.get(), STDERR_FILENO);
}

LogRelay::~LogRelay() {
  if (child_ <= 0) return;
  dup2(file_.get(), STDERR_FILENO);
  for (int waited = 0; waited < kLastLinesTakeMs && waitpid(child_, nullptr, WNOHANG) == 0;
       ++waited) {
    usleep(1000);
  }
}

}  // namespace holdfast
