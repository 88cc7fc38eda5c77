#include "daemon/control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <optional>

namespace holdfast {
namespace {

constexpr timeval kClientTimeout{2, 0};

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  path.copy(address.sun_path, path.size());
  return address;
}

Error path_too_long(const std::string& path) {
  return {ENAMETOOLONG, "socket " + path, "choose a directory with a shorter path"};
}

// Nobody at the other end may hold this one up.
void limit_waits(int socket) {
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kClientTimeout, sizeof kClientTimeout);
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kClientTimeout, sizeof kClientTimeout);
}

UniqueFd stream_socket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  limit_waits(fd.get());
  return fd;
}

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(std::string path, Answer answer) {
  const std::optional<sockaddr_un> address = address_of(path);
  if (!address) return path_too_long(path);
  UniqueFd fd = stream_socket();
  unlink(path.c_str());
  const mode_t mask = umask(0077);
  const int bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int code = errno;
  umask(mask);
  if (bound != 0) return Error{code, "bind " + path, "is the directory there and writable?"};
  if (listen(fd.get(), 16) != 0) return errno_error("listen on " + path);
  return std::unique_ptr<ControlServer>(
      new ControlServer(std::move(path), std::move(fd), std::move(answer)));
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
    limit_waits(client.get());
    send_all(client.get(), answer_(client.get()));
  }
}

Result<std::string> request_status(const std::string& path) {
  const std::optional<sockaddr_un> address = address_of(path);
  if (!address) return path_too_long(path);
  const UniqueFd fd = stream_socket();
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return errno_error("connect to " + path, "is holdfast running, and are you root?");
  }
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t length = recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (length < 0) return errno_error("read from " + path);
    if (length == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace holdfast
