// A fanotify group that is told of changes on one filesystem and holds nobody up: names, modes and
// ACLs, no data. Its queue is limited (16384 events by default): more are told as FAN_Q_OVERFLOW.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

class ChangeGroup {
 public:
  // Watches the filesystem that `directory` is on. Needs kernel 5.9 and a filesystem with file
  // handles (tmpfs: 6.1 at the latest); EINVAL, ENODEV, EOPNOTSUPP or EXDEV where that is missing.
  static Result<ChangeGroup> open(const std::string& directory);

  int fd() const { return fd_.get(); }

  // The events that wait, for next_change(), valid until the next call; empty when none does.
  Result<std::string_view> read();

 private:
  explicit ChangeGroup(UniqueFd fd);
  UniqueFd fd_;
  std::vector<char> buffer_;
};

// A directory to look handles up with: any on their filesystem. A handle that came from an event is
// opened as O_PATH. Invalid with errno: ESTALE when it is gone.
UniqueFd open_handle(int directory, std::string_view handle);

// The handle of an open file, in the same form; empty with errno when there is none.
std::string handle_of(int fd);

}  // namespace holdfast
