// Does anyone hold write access to an open file? Asked of the kernel by a lease.
#pragma once

#include <cstdint>

namespace holdfast {

enum class WriteAccess : std::uint8_t {
  none,     // no writer anywhere; an opener that is blocked now holds none either
  held,     // someone has it open for writing, the blocked opener included
  unknown,  // the filesystem or our privileges do not allow the question
};

// F_SETLEASE(F_RDLCK) on `fd`, dropped at once: 1.2-1.6 us. Not seen: O_RDONLY|O_TRUNC openers, and
// on overlay a writable shared mapping whose descriptor is closed (5.10 to 7.3).
WriteAccess probe_write_access(int fd);

}  // namespace holdfast
