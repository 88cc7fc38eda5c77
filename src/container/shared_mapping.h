// Writable shared mappings: the one way to change a file that leaves no writer to ask for.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string_view>
#include <vector>

#include "container/process_origin.h"
#include "kernel/bounded_call.h"

namespace holdfast {

// Pure: does this text of /proc/PID/maps show a writable shared mapping of one of these inodes?
// Devices are not compared: a mapping of an overlay file shows the overlay's or the layer's.
bool maps_inode_shared_writable(std::string_view maps, const std::vector<ino_t>& inodes);

// Pure: the lines of writable shared mappings in such a text.
struct SharedMapping {
  std::string_view range;  // name of its link in /proc/PID/map_files
  ino_t inode = 0;
  std::string_view path;  // as the kernel writes it: "\012" for a newline
};
std::vector<SharedMapping> shared_writable_mappings(std::string_view maps);

// Asks every process that may be in a container; an unreadable one that still exists counts as a
// yes, and so does one whose mmap lock is not to be had within `limit` for all.
bool has_shared_writable_mapping(const std::vector<ino_t>& inodes, const ProcessOrigin& origin,
                                 BoundedCalls& calls, std::chrono::milliseconds limit);

}  // namespace holdfast
