// Files that a process can write to without another open: descriptors it has, mappings it made.
#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

#include "container/running_program.h"

namespace holdfast {

struct HeldFile {
  RunningProgram file;  // where it lies; no program runs it
  bool mapped = false;  // writable and shared; else a descriptor
};

// Regular files that have a name, each once. Takes the process's mmap lock, and looks up the names
// of mapped files below its root: may hang (BoundedCalls).
std::vector<HeldFile> files_held_for_writing(pid_t pid);

// Pure, of a text of /proc/PID/fdinfo/N: open for writing, and for more than its path?
bool is_open_for_writing(std::string_view fdinfo);

}  // namespace holdfast
