#include "kernel/write_access.h"

#include <fcntl.h>

#include <cerrno>

namespace holdfast {

WriteAccess probe_write_access(int fd) {
  if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return WriteAccess::none;
  }
  return errno == EAGAIN ? WriteAccess::held : WriteAccess::unknown;
}

}  // namespace holdfast
