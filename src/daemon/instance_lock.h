// One daemon to a state directory: flock(2) on RUN_DIR/lock.
#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include <string>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

// The lock is held while the descriptor is open.
inline Result<UniqueFd> take_instance_lock(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return errno_error("open " + path);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Error{0, "another holdfast runs with " + path,
                   "stop it, or give this one a --state-dir of its own"};
    }
    return errno_error("lock " + path);
  }
  return fd;
}

}  // namespace holdfast
