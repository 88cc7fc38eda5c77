// The opener is a thread whose main thread has ended: /proc/PID tells little about it.
#include <pthread.h>

#include "evasion.h"
static void *attack(void *unused) {
  (void)unused;
  usleep(50000);
  drop("x", 0755);
  drop("y", 0644);
  noted(chmod("y", 0755));
  drop(VICTIM, 0755);
  int ran = runs_payload("x") | runs_payload("y");
  exit(verdict(ran | runs_payload(VICTIM)));
}
int main(void) {
  pthread_t thread;
  payload_size();
  pthread_create(&thread, NULL, attack, NULL);
  syscall(SYS_exit, 0);  // this thread alone
}
