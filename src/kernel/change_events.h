// What a fanotify notification group with file handles and names tells: the bytes of its read(2) as
// events (fanotify(7), "Group flags FAN_REPORT_FID, FAN_REPORT_DIR_FID, FAN_REPORT_NAME"). Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast {

// The views point into the bytes that were read.
struct ChangeEvent {
  std::uint64_t mask = 0;  // FAN_ATTRIB, FAN_CREATE, FAN_MOVED_TO, FAN_Q_OVERFLOW, …
  pid_t tid = 0;           // the thread that did it (FAN_REPORT_TID)
  // A `struct file_handle` with its bytes, as open_by_handle_at(2) takes it, not aligned. Empty:
  // not told, as for a change of the number of links.
  std::string_view directory;
  std::string_view name;  // in that directory, at that time; never with a slash
  std::string_view file;  // handle of the changed file itself, if told
};

// Takes the first event off `rest`. Nothing at its end; what is malformed ends it too.
std::optional<ChangeEvent> next_change(std::string_view& rest);

}  // namespace holdfast
