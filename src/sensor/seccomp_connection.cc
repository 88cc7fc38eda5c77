#include "sensor/seccomp_connection.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "container/oci_seccomp_state.h"
#include "kernel/seccomp_listener.h"

namespace holdfast {
namespace {

constexpr std::size_t kLongestState = 1 << 20;  // annotations may be long
constexpr std::size_t kMostDescriptors = 8;

Error wrong(const char* what) {
  return Error{EPROTO, std::string("seccomp state message: ") + what, ""};
}

}  // namespace

Result<std::optional<SeccompConnection::Listener>> SeccompConnection::receive() {
  while (true) {
    std::array<char, 16384> bytes;
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = recvmsg(fd(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno == EAGAIN) break;
    if (length < 0) return errno_error("receive a seccomp state message");
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int number;
        std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof number);
        descriptors_.emplace_back(number);
      }
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0 || descriptors_.size() > kMostDescriptors) {
      return wrong("too many descriptors");
    }
    text_.append(bytes.data(), static_cast<std::size_t>(length));
    if (text_.size() > kLongestState) return wrong("too long");
    if (length == 0) return take_listener();
  }
  // runc and crun close the connection after the state; one that does not has sent a whole object.
  const std::size_t end = text_.find_last_not_of(" \t\r\n");
  if (end == std::string::npos || text_[end] != '}' || descriptors_.empty()) {
    return std::optional<Listener>();
  }
  Result<std::optional<Listener>> listener = take_listener();
  return listener ? std::move(listener) : std::optional<Listener>();
}

Result<std::optional<SeccompConnection::Listener>> SeccompConnection::take_listener() {
  const Result<OciSeccompState> state = parse_seccomp_state(text_, descriptors_.size());
  if (!state) return state.error();
  UniqueFd& fd = descriptors_[state->listener];
  if (!is_seccomp_listener(fd.get())) return wrong("its seccompFd is no seccomp listener");
  return std::optional(Listener{state->container_id, std::move(fd)});
}

Result<UniqueFd> listen_for_runtimes(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ENAMETOOLONG, "socket " + path, "choose a directory with a shorter path"};
  }
  path.copy(address.sun_path, path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  unlink(path.c_str());
  const mode_t mask = umask(0077);
  const int bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int code = errno;
  umask(mask);
  if (bound != 0) return Error{code, "bind " + path, "is the directory there and writable?"};
  if (listen(fd.get(), SOMAXCONN) != 0) return errno_error("listen on " + path);
  return fd;
}

}  // namespace holdfast
