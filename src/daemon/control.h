// control.sock: every connection gets one JSON document, the daemon's status, and is closed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "holdfast/result.h"
#include "kernel/epoll.h"
#include "kernel/unique_fd.h"

namespace holdfast {

class ControlServer {
 public:
  // Replaces a socket file that a dead daemon left; the instance lock says that it is dead.
  static Result<std::unique_ptr<ControlServer>> start(std::string path,
                                                      std::function<std::string()> status);
  ~ControlServer();

 private:
  ControlServer(std::string path, UniqueFd socket, std::function<std::string()> status);
  void serve();

  std::string path_;
  UniqueFd socket_;
  std::function<std::string()> status_;
  WakeSignal stop_;
  std::thread thread_;
};

// The client's side: the document of the daemon that listens at `path`.
Result<std::string> request_status(const std::string& path);

}  // namespace holdfast
