// An image binary's bytes alternate between the image's and the payload's through a mapping, while
// another thread executes it again and again: what was compared is not what runs.
#include <pthread.h>

#include "evasion.h"
static char original[4 << 20];
static char *mapping;
static size_t size;
static volatile int stop;

static void *alternate(void *unused) {
  while (!stop && mapping) {
    memcpy(mapping, payload_bytes, size);
    usleep(200);
    memcpy(mapping, original, size);
    usleep(200);
  }
  return unused;
}

int main(void) {
  int fd = open(VICTIM, O_RDONLY);
  ssize_t n = read(fd, original, sizeof original);
  close(fd);
  size = payload_size();
  if (n <= 0 || (size_t)n > size) size = n > 0 ? (size_t)n : 1;
  chmod(VICTIM, 0644);
  fd = noted(open(VICTIM, O_RDWR));
  if (fd >= 0) {
    // The payload must fit into the file: it is padded to the longer of the two.
    if (ftruncate(fd, payload_size()) < 0) perror("ftruncate");
    size = payload_size();
    mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapping == MAP_FAILED) mapping = NULL;
    close(fd);
  }
  noted(chmod(VICTIM, 0755));
  pthread_t thread;
  pthread_create(&thread, NULL, alternate, NULL);
  int ran = 0;
  for (int i = 0; i < 2000 && !ran; i++) ran = runs_payload(VICTIM);
  stop = 1;
  pthread_join(thread, NULL);
  return verdict(ran);
}
