// The worker dies between read and decision, of every Nth event (HOLDFAST_DIE_AFTER), once as many
// are in flight as there are threads that read.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "kernel/fanotify.h"

namespace holdfast {

void after_read(const EventClaim& claim) {
  static const char* const text = std::getenv("HOLDFAST_DIE_AFTER");
  static const long every = text != nullptr ? std::atol(text) : 0;
  static std::atomic<long> read{0};
  if (every <= 0 || claim.empty()) return;
  if (++read < every) return;
  // The first thread waits a little, so that the others are caught between read and answer too.
  if (read == every) {
    usleep(20'000);
    kill(getpid(), SIGKILL);
  }
  pause();
}

}  // namespace holdfast
