#include "kernel/same_bytes.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace holdfast {
namespace {

// Fills `buffer` from `offset`; short only at the end of the file; -1 on error.
ssize_t read_fully(int fd, std::vector<char>& buffer, off_t offset) {
  std::size_t have = 0;
  while (have < buffer.size()) {
    const ssize_t length =
        pread(fd, buffer.data() + have, buffer.size() - have, offset + static_cast<off_t>(have));
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return -1;
    if (length == 0) break;
    have += static_cast<std::size_t>(length);
  }
  return static_cast<ssize_t>(have);
}

}  // namespace

bool same_bytes(int left, int right) {
  std::vector<char> a(128 << 10);
  std::vector<char> b(128 << 10);
  for (off_t offset = 0;; offset += static_cast<off_t>(a.size())) {
    const ssize_t got = read_fully(left, a, offset);
    if (got < 0 || got != read_fully(right, b, offset)) return false;
    if (std::memcmp(a.data(), b.data(), static_cast<std::size_t>(got)) != 0) return false;
    if (static_cast<std::size_t>(got) < a.size()) return true;
  }
}

}  // namespace holdfast
