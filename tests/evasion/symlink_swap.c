// A symbolic link that is executed points now at an image binary, now at the payload.
#include <pthread.h>

#include "evasion.h"
static volatile int stop;
static void *swap(void *unused) {
  for (unsigned i = 0; !stop; i++) {
    unlink("next");
    if (symlink(i % 2 ? VICTIM : "x", "next") < 0 || rename("next", "link") < 0) usleep(100);
  }
  return unused;
}
int main(void) {
  drop("x", 0644);
  noted(chmod("x", 0755));
  pthread_t thread;
  pthread_create(&thread, NULL, swap, NULL);
  int ran = 0;
  for (int i = 0; i < 300 && !ran; i++) ran = runs_payload("link");
  stop = 1;
  pthread_join(thread, NULL);
  return verdict(ran);
}
