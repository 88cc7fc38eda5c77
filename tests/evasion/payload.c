// The code that must never run: its exit status is the proof that it did. LINGER: milliseconds it
// stays, for the attacks that are ended only after their start.
#include "evasion.h"
int main(void) {
  const char *linger = getenv("LINGER");
  if (linger) usleep(atoi(linger) * 1000);
  return PAYLOAD_STATUS;
}
