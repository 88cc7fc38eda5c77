#include "daemon/control.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "kernel/unix_stream.h"

namespace holdfast {
namespace {

constexpr std::chrono::milliseconds kEachWait{2000};

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(std::string path, Answer answer) {
  Result<UniqueFd> fd = listen_at(path);
  if (!fd) return fd.error();
  return std::unique_ptr<ControlServer>(
      new ControlServer(std::move(path), std::move(*fd), std::move(answer)));
}

ControlServer::ControlServer(std::string path, UniqueFd socket, Answer answer)
    : path_(std::move(path)),
      socket_(std::move(socket)),
      answer_(std::move(answer)),
      thread_([this] { serve(); }) {}

ControlServer::~ControlServer() {
  stop_.raise();
  thread_.join();
  unlink(path_.c_str());
}

void ControlServer::serve() {
  while (true) {
    std::array<pollfd, 2> waiting{{{socket_.get(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    const UniqueFd client(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) continue;
    limit_waits(client.get(), kEachWait);
    (void)send_all(client.get(), answer_(client.get()));
  }
}

Result<std::string> request_status(const std::string& path) {
  const Result<UniqueFd> fd = connect_to(path, kEachWait);
  if (!fd) {
    return Error{
        fd.error().code, fd.error().what,
        fd.error().remedy.empty() ? "is holdfast running, and are you root?" : fd.error().remedy};
  }
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t length = recv(fd->get(), buffer.data(), buffer.size(), 0);
    if (length < 0) return errno_error("read from " + path);
    if (length == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace holdfast
