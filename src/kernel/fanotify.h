// fanotify(7) as an object: one group, its marks, its events and their answers.
#pragma once

#include <sys/fanotify.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

struct FanotifyEvent {
  UniqueFd file;           // the file that is opened, read-only; invalid for a queue overflow
  std::uint64_t mask = 0;  // FAN_OPEN_PERM, FAN_OPEN_EXEC_PERM, FAN_CLOSE_WRITE, …
  pid_t tid = 0;           // the thread that opens (FAN_REPORT_TID)
};

enum class MarkScope : std::uint8_t { inode, mount, filesystem };

class FanotifyGroup {
 public:
  virtual ~FanotifyGroup() = default;

  virtual int fd() const = 0;  // for poll; readable when an event waits

  // Adds to a mark, which may exist already. `path` follows symbolic links.
  virtual Status mark(MarkScope scope, std::uint64_t mask, const std::string& path) = 0;

  // At most `limit` waiting events; none when nothing waits (the group is non-blocking). An error
  // means that the kernel could not open an event's file and has denied its opener (EMFILE, …).
  virtual Result<std::vector<FanotifyEvent>> read(std::size_t limit) = 0;

  // Answers the permission event whose descriptor has this number. Exactly one answer each.
  virtual Status answer(int event_fd, bool allow) = 0;
};

// An unlimited queue (an overflow would allow undecided) of class CONTENT, close-on-exec.
Result<std::shared_ptr<FanotifyGroup>> open_fanotify_group();

}  // namespace holdfast
