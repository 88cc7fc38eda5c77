// The daemon's sockets for questions about it: control.sock (its status as one JSON document) and
// metrics.sock (HTTP). Only root can connect.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "holdfast/result.h"
#include "kernel/epoll.h"
#include "kernel/unique_fd.h"

namespace holdfast {

// One connection after the other gets one answer, and is closed.
class ControlServer {
 public:
  // Asked on the server's own thread, with the connection; it waits for a client's bytes or reading
  // for two seconds at most.
  using Answer = std::function<std::string(int client)>;
  // Replaces a socket file that a dead daemon left; the instance lock says that it is dead.
  static Result<std::unique_ptr<ControlServer>> start(std::string path, Answer answer);
  ~ControlServer();

 private:
  ControlServer(std::string path, UniqueFd socket, Answer answer);
  void serve();

  std::string path_;
  UniqueFd socket_;
  Answer answer_;
  WakeSignal stop_;
  std::thread thread_;
};

// The client's side: the document of the daemon that listens at `path`.
Result<std::string> request_status(const std::string& path);

}  // namespace holdfast
