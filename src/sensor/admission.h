// When not to read one more event: what is read takes a descriptor and a place until it is
// answered. Unread events wait in the kernel, each container's in its own group. Pure.
#pragma once

#include <cstdint>

namespace holdfast {

struct Load {
  std::uint32_t waiting_here = 0;  // of this container: read, and put aside
  std::uint32_t waiting_all = 0;   // of all containers
  std::uint32_t places = 0;        // in the event table
  std::int64_t last_descriptor =
      0;  // number of the descriptor the kernel gave last: the lowest free
  std::int64_t descriptor_limit = 0;  // RLIMIT_NOFILE
};

constexpr std::uint32_t kMostWaitingHere = 128;

constexpr bool may_read(const Load& load) {
  // With nothing put aside nothing will be given back: reading on is the only progress.
  if (load.waiting_all == 0) return true;
  if (load.waiting_here >= kMostWaitingHere) return false;
  if (load.waiting_all >= load.places / 4 * 3) return false;
  // At the limit the kernel refuses openers without asking: a quarter stays free.
  return load.last_descriptor < load.descriptor_limit / 4 * 3;
}

}  // namespace holdfast
