// /proc/PID/syscall.
#include "fuzz.h"
#include "kernel/procfs.h"

void fuzz(std::string_view text) {
  const auto call = holdfast::parse_syscall(text);
  require(!call || call->number >= 0, "a blocked system call has a number");
}
