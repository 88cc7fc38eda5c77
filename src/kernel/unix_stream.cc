#include "kernel/unix_stream.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <optional>

namespace holdfast {
namespace {

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

UniqueFd stream_socket() { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

}  // namespace

void limit_waits(int socket, std::chrono::milliseconds each_wait) {
  const timeval limit{each_wait.count() / 1000, each_wait.count() % 1000 * 1000};
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // connect(2) too
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

Result<UniqueFd> listen_at(const std::string& path) {
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
  return fd;
}

Result<UniqueFd> connect_to(const std::string& path, std::chrono::milliseconds each_wait) {
  const std::optional<sockaddr_un> address = address_of(path);
  if (!address) return path_too_long(path);
  UniqueFd fd = stream_socket();
  limit_waits(fd.get(), each_wait);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return errno_error("connect to " + path);
  }
  return fd;
}

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace holdfast
