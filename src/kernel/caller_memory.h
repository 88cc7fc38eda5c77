// Memory of a thread that waits for an answer. Each of these may hang as long as the thread lives:
// a page of it may be a file's whose FUSE server does not answer.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast {

// A string of the caller's, at most `limit` bytes, a page at most. Without its NUL where it is
// longer: the kernel then says what is wrong with it.
std::optional<std::string> read_string(pid_t tid, std::uint64_t address, std::size_t limit);

// All of `size` bytes, or nothing.
std::optional<std::string> read_bytes(pid_t tid, std::uint64_t address, std::size_t size);

}  // namespace holdfast
