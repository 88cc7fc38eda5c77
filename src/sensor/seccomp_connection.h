// A runtime's connection to the agent's socket: the state in pieces, and descriptors with any of
// them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

class SeccompConnection {
 public:
  explicit SeccompConnection(UniqueFd socket) : socket_(std::move(socket)) {}

  struct Listener {
    std::string container_id;
    UniqueFd fd;
  };
  // What has come so far, without waiting: the listener, once the state is whole; nothing yet; or
  // why there will be none.
  Result<std::optional<Listener>> receive();

  int fd() const { return socket_.get(); }
  bool is_older_than(std::chrono::milliseconds age) const {
    return std::chrono::steady_clock::now() - since_ > age;
  }

 private:
  Result<std::optional<Listener>> take_listener();

  UniqueFd socket_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::string text_;
  std::vector<UniqueFd> descriptors_;
};

// `path`: replaced if a dead daemon left it. Root alone may connect.
Result<UniqueFd> listen_for_runtimes(const std::string& path);

}  // namespace holdfast
