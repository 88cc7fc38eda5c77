// What the gates may ask about one event. Every question costs microseconds while a process is
// blocked, so each is asked only when its answer decides; answers are kept.
#pragma once

#include <optional>
#include <string>

#include "container/elf_file.h"
#include "kernel/file_stat.h"
#include "kernel/procfs.h"
#include "kernel/write_access.h"

namespace holdfast {

class EventFacts {
 public:
  virtual ~EventFacts() = default;

  virtual std::optional<FileStat> file() = 0;           // statx of the event's descriptor
  virtual WriteAccess write_access() = 0;               // lease probe on it
  virtual std::optional<BlockedSyscall> syscall() = 0;  // what the opener is blocked in
  virtual Loadable loadable() = 0;                      // ELF code by its first bytes
  virtual bool on_overlay() = 0;                        // fstatfs of the descriptor
  virtual std::optional<std::string> path() = 0;        // as the container sees it; none: unlinked
};

}  // namespace holdfast
