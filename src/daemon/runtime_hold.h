// Holds the exec of a container runtime (runc, crun, youki) until the new container's root is
// marked. A process of its own with its own fanotify group, so that nothing else of the daemon can
// freeze container starts: it kills itself after 200 ms without progress, and the kernel then lets
// every runtime run.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

// The hold's own main, after exec: `holdfast runtime-hold SOCKET BINARY…`.
int runtime_hold_main(int socket, const std::vector<std::string>& binaries);

// The daemon's end.
class RuntimeHold {
 public:
  // Starts the process. `binaries` may be empty: then nothing is held.
  static Result<std::unique_ptr<RuntimeHold>> start(const std::vector<std::string>& binaries);
  ~RuntimeHold();  // ends and reaps the process

  int fd() const { return socket_.get(); }  // readable: a runtime waits, or the process is gone

  // ready: the binaries are marked. held: a runtime waits, release() it. gone: the process died.
  enum class Message : std::uint8_t { ready, held, gone, none };
  Message receive();
  void release();  // the runtime last received may run
  void remark();   // runtime binaries may have been replaced: mark them again

 private:
  RuntimeHold(UniqueFd socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}
  UniqueFd socket_;
  pid_t pid_;
  std::uint32_t held_ = 0;  // number of the hold last received
};

}  // namespace holdfast
