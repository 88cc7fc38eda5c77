// The kernel's process events connector (NETLINK_CONNECTOR, CN_IDX_PROC; Linux 2.6.15): tells of
// each execve(2) on the machine after it has happened, with process ids of the first pid namespace.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

// One message, as far as it matters here.
struct ExecEvent {
  pid_t process = 0;         // thread group
  std::int64_t time_ns = 0;  // CLOCK_MONOTONIC
};
struct SubscriptionAnswer {
  std::uint32_t request = 0;  // the acknowledged number
  int error = 0;              // errno; 0: subscribed
};
using ProcEvent = std::variant<ExecEvent, SubscriptionAnswer>;

// Pure: the netlink datagram of one event; nullopt for other events and for malformed bytes.
std::optional<ProcEvent> parse_proc_event(std::string_view datagram);

class ProcConnector {
 public:
  // Needs the host's pid and network namespaces and CAP_NET_ADMIN; reading needs nothing. The error
  // says which is missing.
  static Result<ProcConnector> subscribe();
  ProcConnector(ProcConnector&&) = default;
  ProcConnector& operator=(ProcConnector&&) = delete;
  // Unsubscribes: before 6.6 the kernel would go on making events for nobody.
  ~ProcConnector();

  int fd() const { return socket_.get(); }  // POLLIN: events wait

  struct Events {
    std::vector<ExecEvent> executed;  // in order
    bool lost = false;                // the buffer was full (ENOBUFS): others are missing
  };
  // What waits, at most some hundred; never blocks.
  Events read() const;

 private:
  explicit ProcConnector(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

}  // namespace holdfast
