#include "daemon/service_manager.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

namespace holdfast {
namespace {

constexpr int kFirstPassed = 3;            // SD_LISTEN_FDS_START
constexpr std::size_t kLongestName = 255;  // what the manager accepts

// The variable's value, gone from the environment.
std::optional<std::string> take_variable(const char* name) {
  const char* value = getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string taken = value;
  unsetenv(name);
  return taken;
}

// Decimal digits and nothing else.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_own_pid(std::string_view text) {
  const std::optional<std::uint64_t> pid = parse_number(text);
  return pid && *pid == static_cast<std::uint64_t>(getpid());
}

// What the manager would silently replace by "stored", and what would begin a field of its own.
bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  for (const char c : name) {
    if (c < ' ' || c > '~' || c == ':') return false;
  }
  return true;
}

// A message put together on the stack.
class Message {
 public:
  void add(std::string_view text) {
    text.copy(text_.data() + length_, text_.size() - length_);
    length_ += text.size();
  }
  const char* data() const { return text_.data(); }
  std::size_t size() const { return length_; }

 private:
  std::array<char, kLongestName + 64> text_{};
  std::size_t length_ = 0;
};

std::chrono::milliseconds take_watchdog() {
  const std::optional<std::string> period = take_variable("WATCHDOG_USEC");
  const std::optional<std::string> pid = take_variable("WATCHDOG_PID");
  if (!period || (pid && !is_own_pid(*pid))) return {};
  constexpr std::uint64_t kLongest = 1000ULL * 1000 * 1000 * 1000;  // eleven days
  const std::optional<std::uint64_t> microseconds = parse_number(*period);
  if (!microseconds || *microseconds < 1000 || *microseconds > kLongest) {
    spdlog::warn("WATCHDOG_USEC={} is no period: no watchdog messages are sent", *period);
    return {};
  }
  return std::chrono::milliseconds(*microseconds / 1000);
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager;
  manager.watchdog_ = take_watchdog();
  const std::optional<std::string> name = take_variable("NOTIFY_SOCKET");
  if (!name || name->empty()) return manager;

  const bool abstract = name->front() == '@';
  if ((!abstract && name->front() != '/') || name->size() < 2 ||
      name->size() >= sizeof manager.address_.sun_path) {
    spdlog::warn("NOTIFY_SOCKET={} is neither a path nor @NAME: the service manager is not told",
                 *name);
    return manager;
  }
  manager.address_.sun_family = AF_UNIX;
  name->copy(manager.address_.sun_path, name->size());
  if (abstract) manager.address_.sun_path[0] = '\0';
  // An abstract name ends with the address's length, a path with its NUL.
  manager.address_length_ =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name->size() + (abstract ? 0 : 1));
  manager.socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!manager.present()) {
    spdlog::warn("socket for the service manager: {}", std::strerror(errno));
  }
  return manager;
}

bool ServiceManager::notify(const char* state) const { return send(state, std::strlen(state), -1); }

bool ServiceManager::store(int fd, const char* name) const {
  if (!valid_name(name)) return false;
  Message message;
  message.add("FDSTORE=1\nFDNAME=");
  message.add(name);
  // Not polled by the manager: it would be woken at each of the group's events (every wake-up of a
  // fanotify group reaches every epoll it is in), and a group has no hang-up to wait for.
  message.add("\nFDPOLL=0");
  return send(message.data(), message.size(), fd);
}

bool ServiceManager::remove(const char* name) const {
  if (!valid_name(name)) return false;
  Message message;
  message.add("FDSTOREREMOVE=1\nFDNAME=");
  message.add(name);
  return send(message.data(), message.size(), -1);
}

// Addressed at each message, not connected: a manager that was executed anew may have bound its
// socket again.
bool ServiceManager::send(const char* text, std::size_t length, int fd) const {
  if (!present()) return false;
  iovec part{const_cast<char*>(text), length};
  msghdr message{};
  message.msg_name = const_cast<sockaddr_un*>(&address_);
  message.msg_namelen = address_length_;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(length);
}

std::vector<StoredDescriptor> take_stored_descriptors() {
  const std::optional<std::string> pid = take_variable("LISTEN_PID");
  const std::optional<std::string> count = take_variable("LISTEN_FDS");
  const std::optional<std::string> names = take_variable("LISTEN_FDNAMES");
  std::vector<StoredDescriptor> descriptors;
  if (!pid || !count || !is_own_pid(*pid)) return descriptors;
  const std::optional<std::uint64_t> passed = parse_number(*count);
  if (!passed || *passed > 1U << 20) {
    spdlog::warn("LISTEN_FDS={} is no number of descriptors: none is taken over", *count);
    return descriptors;
  }

  std::string_view left = names ? std::string_view(*names) : std::string_view();
  for (int fd = kFirstPassed; fd < kFirstPassed + static_cast<int>(*passed); ++fd) {
    const std::size_t end = left.find(':');
    const std::string_view name = left.substr(0, end);
    left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) continue;  // not open, whatever was said
    descriptors.push_back({UniqueFd(fd), std::string(name)});
  }
  return descriptors;
}

}  // namespace holdfast
