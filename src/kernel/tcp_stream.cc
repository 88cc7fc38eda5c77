#include "kernel/tcp_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace holdfast {
namespace {

using std::chrono::milliseconds;

// Of either family; its length is 0 where `address` is none.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

Address address_of(const std::string& text, std::uint16_t port) {
  Address address;
  sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    address.length = sizeof v4;
    std::copy_n(reinterpret_cast<const char*>(&v4), sizeof v4,
                reinterpret_cast<char*>(&address.storage));
  } else if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    address.length = sizeof v6;
    std::copy_n(reinterpret_cast<const char*>(&v6), sizeof v6,
                reinterpret_cast<char*>(&address.storage));
  }
  return address;
}

}  // namespace

Result<std::unique_ptr<TcpStream>> TcpStream::connect(const std::string& address,
                                                      std::uint16_t port,
                                                      Clock::time_point deadline) {
  const Address to = address_of(address, port);
  if (to.length == 0) return Error{EINVAL, "connect to " + address, "an IP address is needed"};
  UniqueFd fd(
      ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!fd.valid()) return errno_error("socket");
  auto stream = std::unique_ptr<TcpStream>(new TcpStream(std::move(fd), deadline));
  if (::connect(stream->get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length) == 0) {
    return stream;
  }
  if (errno != EINPROGRESS) return errno_error("connect");
  if (Status ready = stream->wait(POLLOUT, "connect"); !ready) return ready.error();
  int code = 0;
  socklen_t length = sizeof code;
  getsockopt(stream->get(), SOL_SOCKET, SO_ERROR, &code, &length);
  if (code != 0) return Error{code, "connect", ""};
  return stream;
}

Status TcpStream::in_time(const char* what) const {
  if (Clock::now() < deadline_) return {};
  return Error{ETIMEDOUT, what, ""};
}

Status TcpStream::wait(short events, const char* what) const {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
    if (left <= milliseconds(0)) return Error{ETIMEDOUT, what, ""};
    pollfd waiting{get(), events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return errno_error(what);
  }
}

Result<std::size_t> TcpStream::read(std::span<char> buffer) {
  while (true) {
    // Before each read: one that never has to wait has the deadline too.
    if (Status ready = wait(POLLIN, "read"); !ready) return ready.error();
    const ssize_t length = recv(get(), buffer.data(), buffer.size(), 0);
    if (length >= 0) return static_cast<std::size_t>(length);
    if (errno != EAGAIN && errno != EINTR) return errno_error("read");
  }
}

Status TcpStream::write(std::string_view text) {
  while (!text.empty()) {
    if (Status ready = wait(POLLOUT, "write"); !ready) return ready;
    const ssize_t sent = send(get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return errno_error("write");
    if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

}  // namespace holdfast
