#include "kernel/proc_connector.h"

#include <arpa/inet.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>

namespace holdfast {
namespace {

// Layout of a datagram: netlink header, connector header, event; the event is not aligned.
constexpr std::size_t kConnectorAt = NLMSG_HDRLEN;
constexpr std::size_t kEventAt = kConnectorAt + sizeof(cn_msg);
constexpr std::size_t kWhatAt = kEventAt + offsetof(proc_event, what);
constexpr std::size_t kTimeAt = kEventAt + offsetof(proc_event, timestamp_ns);
constexpr std::size_t kDataAt = kEventAt + offsetof(proc_event, event_data);

// The kinds of events that are let into the socket, spelled as numbers: the header's enum has moved
// (6.7) while the numbers stay.
constexpr std::uint32_t kAnswer = 0;
constexpr std::uint32_t kExec = 2;

constexpr int kBufferBytes = 2 << 20;  // which the kernel doubles: some 5,000 execs
constexpr std::size_t kMostEvents = 512;
// The kernel answers before send() returns, unless the machine is busy.
constexpr std::chrono::milliseconds kAnswerTakes(500);
constexpr std::uint32_t kRequest = 0x686f6c64;

template <typename T>
T load(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

sockaddr_nl kernels_address() {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  return address;
}

// Forks, exits and the rest are dropped before they take room in the buffer or wake anybody.
Status let_only_execs_in(int socket) {
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kWhatAt),  // as big endian
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(kExec), 1, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kAnswer, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) return {};
  return errno_error("attach a filter to the process events connector");
}

bool send_request(int socket, std::uint32_t operation) {
  struct {
    nlmsghdr netlink;
    char connector[sizeof(cn_msg)];  // ends in a flexible array
    std::uint32_t operation;
  } message{};
  static_assert(sizeof message == kEventAt + sizeof(std::uint32_t));
  message.netlink.nlmsg_len = sizeof message;
  message.netlink.nlmsg_type = NLMSG_DONE;
  cn_msg connector{};
  connector.id = {CN_IDX_PROC, CN_VAL_PROC};
  connector.ack = kRequest;
  connector.len = sizeof message.operation;
  std::memcpy(message.connector, &connector, sizeof connector);
  message.operation = operation;
  const sockaddr_nl kernel = kernels_address();
  return sendto(socket, &message, sizeof message, 0, reinterpret_cast<const sockaddr*>(&kernel),
                sizeof kernel) == static_cast<ssize_t>(sizeof message);
}

// One datagram that the kernel sent; 0: none waits, or it is somebody else's; -1: errno. Who has
// CAP_NET_ADMIN in the network namespace can send to the group too.
ssize_t receive(int socket, std::array<char, 256>& buffer) {
  sockaddr_nl from{};
  socklen_t length = sizeof from;
  const ssize_t got = recvfrom(socket, buffer.data(), buffer.size(), MSG_DONTWAIT,
                               reinterpret_cast<sockaddr*>(&from), &length);
  return got > 0 && from.nl_pid != 0 ? 0 : got;
}

// A process that is not in the first pid namespace is not told that its request was dropped, though
// it may well see the events that others subscribed to.
Status await_answer(int socket) {
  pollfd waiting{socket, POLLIN, 0};
  std::array<char, 256> buffer{};
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + kAnswerTakes;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) break;
    const ssize_t length = receive(socket, buffer);
    if (length < 0 && errno != ENOBUFS) break;
    if (length <= 0) continue;
    const auto event = parse_proc_event({buffer.data(), static_cast<std::size_t>(length)});
    const auto* answer = event ? std::get_if<SubscriptionAnswer>(&*event) : nullptr;
    if (answer == nullptr || answer->request != kRequest) continue;
    if (answer->error == 0) return {};
    return Error{answer->error, "subscribe to process events", "it needs CAP_NET_ADMIN"};
  }
  return Error{0, "subscribe to process events: the kernel gave no answer",
               "it needs the host's pid namespace (hostPID)"};
}

}  // namespace

std::optional<ProcEvent> parse_proc_event(std::string_view datagram) {
  constexpr std::size_t kDataBytes = 2 * sizeof(std::uint32_t);
  if (datagram.size() < kDataAt + kDataBytes) return std::nullopt;
  const auto connector = load<cn_msg>(datagram, kConnectorAt);
  if (connector.id.idx != CN_IDX_PROC || connector.id.val != CN_VAL_PROC) return std::nullopt;
  if (kEventAt + connector.len < kDataAt + kDataBytes) return std::nullopt;
  const auto first = load<std::uint32_t>(datagram, kDataAt);
  const auto second = load<std::uint32_t>(datagram, kDataAt + sizeof first);
  switch (load<std::uint32_t>(datagram, kWhatAt)) {
    case kAnswer:
      return SubscriptionAnswer{connector.ack - 1, static_cast<int>(first)};
    case kExec:  // process_pid (a thread), process_tgid
      if (second == 0 || second > INT32_MAX) return std::nullopt;
      return ExecEvent{static_cast<pid_t>(second), load<std::int64_t>(datagram, kTimeAt)};
    default:
      return std::nullopt;
  }
}

Result<ProcConnector> ProcConnector::subscribe() {
  UniqueFd socket(
      ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR));
  if (!socket.valid()) {
    return errno_error("open the process events connector",
                       "the kernel needs CONFIG_PROC_EVENTS, the service AF_NETLINK");
  }
  if (Status filtered = let_only_execs_in(socket.get()); !filtered) return filtered.error();
  // Beyond net.core.rmem_max only with CAP_NET_ADMIN; less of it only loses events sooner.
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof kBufferBytes);
  sockaddr_nl group = kernels_address();
  group.nl_groups = CN_IDX_PROC;
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&group), sizeof group) != 0) {
    return errno_error("listen to process events", "it needs CAP_NET_ADMIN");
  }
  if (!send_request(socket.get(), PROC_CN_MCAST_LISTEN)) {
    return errno_error("subscribe to process events",
                       errno == ECONNREFUSED ? "it needs the host's network namespace (hostNetwork)"
                                             : "it needs CAP_NET_ADMIN");
  }
  if (Status answered = await_answer(socket.get()); !answered) return answered.error();
  return ProcConnector(std::move(socket));
}

ProcConnector::~ProcConnector() {
  if (socket_.valid()) send_request(socket_.get(), PROC_CN_MCAST_IGNORE);
}

ProcConnector::Events ProcConnector::read() const {
  Events events;
  std::array<char, 256> buffer{};
  for (std::size_t i = 0; i < kMostEvents; ++i) {
    const ssize_t length = receive(socket_.get(), buffer);
    if (length < 0 && errno == ENOBUFS) {
      events.lost = true;
    } else if (length < 0) {
      break;
    } else if (length > 0) {
      const auto event = parse_proc_event({buffer.data(), static_cast<std::size_t>(length)});
      const auto* exec = event ? std::get_if<ExecEvent>(&*event) : nullptr;
      if (exec != nullptr) events.executed.push_back(*exec);
    }
  }
  return events;
}

}  // namespace holdfast
