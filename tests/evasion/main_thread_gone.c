// The opener is a thread whose main thread has ended: /proc/PID tells little about it.
#include <pthread.h>

#include "evasion.h"
static void *attack(void *unused) {
  (void)unused;
  usleep(50000);
  drop("/tmp/x", 0755);
  drop("/tmp/y", 0644);
  chmod("/tmp/y", 0755);
  drop(VICTIM, 0755);
  int ran = runs_payload("/tmp/x") | runs_payload("/tmp/y");
  exit(verdict(ran | runs_payload(VICTIM)));
}
int main(void) {
  pthread_t thread;
  payload_size();
  pthread_create(&thread, NULL, attack, NULL);
  syscall(SYS_exit, 0);  // this thread alone
}
