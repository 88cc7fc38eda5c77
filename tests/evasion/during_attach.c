// Drops and runs again and again while the daemon starts. SIGUSR1 says that it is there: what runs
// in the rounds begun after that counts.
#include "evasion.h"
enum { ROUNDS_AFTER = 20 };
static volatile sig_atomic_t attached;
static void on_signal(int number) { attached = number; }

int main(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  payload_size();
  int ran = 0;
  for (int after = 0; after < ROUNDS_AFTER;) {
    const int counts = attached != 0;
    refused = counts ? refused : 0;
    unlink("x");
    drop_late("x");
    const int late = runs_payload("x");
    unlink("y");
    drop("y", 0755);
    const int early = runs_payload("y");
    if (!counts) continue;
    ran |= late | early;
    after++;
  }
  return verdict(ran);
}
