// TCP to a numeric address, with one deadline for the connection and all that is read and written:
// a server that trickles holds nobody up longer than one that says nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "kernel/byte_stream.h"
#include "kernel/unique_fd.h"

namespace holdfast {

class TcpStream : public ByteStream {
 public:
  using Clock = std::chrono::steady_clock;
  // `address`: IPv4 or IPv6. Names are not looked up: a resolver has no deadline, and a static
  // binary none at all.
  static Result<std::unique_ptr<TcpStream>> connect(const std::string& address, std::uint16_t port,
                                                    Clock::time_point deadline);

  Result<std::size_t> read(std::span<char> buffer) override;
  Status write(std::string_view text) override;

  int get() const { return fd_.get(); }    // non-blocking
  Status in_time(const char* what) const;  // an error once the deadline is over
  // Until the socket is ready for `events` (poll(2)).
  Status wait(short events, const char* what) const;

 private:
  TcpStream(UniqueFd fd, Clock::time_point deadline) : fd_(std::move(fd)), deadline_(deadline) {}

  UniqueFd fd_;
  Clock::time_point deadline_;
};

}  // namespace holdfast
