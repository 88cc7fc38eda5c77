// /proc/PID/mountinfo as data (proc_pid_mountinfo(5)).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

struct Mount {
  int id = 0;
  int parent = 0;
  dev_t device = 0;           // st_dev of the superblock
  std::string root;           // path inside the superblock that is mounted, unescaped
  std::string mount_point;    // relative to the reading process's root, unescaped
  std::string options;        // per mount: "rw,relatime"
  std::string type;           // "overlay"
  std::string source;         // unescaped
  std::string super_options;  // as in the file: escapes kept, they belong to the filesystem
};

// Malformed lines are left out (the kernel writes none; foreign bytes must not crash us).
std::vector<Mount> parse_mountinfo(std::string_view text);

// The octal escapes of the kernel's seq_file text ("\\040" is a space) resolved; anything else that
// follows a backslash stays as it is.
std::string unescape_octal(std::string_view text);

}  // namespace holdfast
