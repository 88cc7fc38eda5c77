#include "kernel/caller_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>

namespace holdfast {
namespace {

constexpr std::size_t kPage = 4096;

iovec part_of(std::uint64_t address, std::size_t size) {
  return {reinterpret_cast<void*>(address), size};  // NOLINT: an address of another process's
}

}  // namespace

std::optional<std::string> read_string(pid_t tid, std::uint64_t address, std::size_t limit) {
  std::string text(limit, '\0');
  iovec own{text.data(), text.size()};
  // Page by page: the bytes before one that cannot be read are delivered.
  const std::size_t first = std::min<std::size_t>(limit, kPage - address % kPage);
  const std::array<iovec, 2> theirs{part_of(address, first),
                                    part_of(address + first, limit - first)};
  const ssize_t length = process_vm_readv(tid, &own, 1, theirs.data(), limit > first ? 2 : 1, 0);
  if (length <= 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(length));
  const std::size_t end = text.find('\0');
  if (end == std::string::npos && text.size() < limit) return std::nullopt;
  return text.substr(0, end);
}

std::optional<std::string> read_bytes(pid_t tid, std::uint64_t address, std::size_t size) {
  std::string bytes(size, '\0');
  const iovec own{bytes.data(), size};
  const iovec theirs = part_of(address, size);
  if (process_vm_readv(tid, &own, 1, &theirs, 1, 0) != static_cast<ssize_t>(size)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace holdfast
