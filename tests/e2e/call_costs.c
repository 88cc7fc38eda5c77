// What calls cost that nobody is asked about, for bench/seccomp: many short slices of each, in turn, by
// the processor time of this thread. Of each call the median slice is printed, which no other program
// and no interrupt of a moment has been in.
// usage: call_costs SLICES CALLS    prints "NAME=NANOSECONDS" for getppid, read and open
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { KINDS = 3, MOST = 10000 };
static const char *const names[KINDS] = {"getppid", "read", "open"};
static double slices[KINDS][MOST];
static int zero;

static int call(int kind) {
  char byte;
  if (kind == 0) return syscall(SYS_getppid) >= 0 ? 0 : -1;
  if (kind == 1) return read(zero, &byte, 1) == 1 ? 0 : -1;
  // O_PATH raises no event: what is measured is the two calls, not the daemon's answer.
  int fd = open("/app/victim", O_PATH);
  return fd < 0 ? -1 : close(fd);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  const int count = argc == 3 ? atoi(argv[1]) : 0, calls = argc == 3 ? atoi(argv[2]) : 0;
  zero = open("/dev/zero", O_RDONLY);
  if (count < 1 || count > MOST || calls < 1 || zero < 0) return 2;
  for (int slice = 0; slice < count; ++slice) {
    for (int kind = 0; kind < KINDS; ++kind) {
      const double begin = now();
      for (int i = 0; i < calls; ++i)
        if (call(kind) < 0) return perror(names[kind]), 1;
      slices[kind][slice] = (now() - begin) / calls;
    }
  }
  for (int kind = 0; kind < KINDS; ++kind) {
    qsort(slices[kind], count, sizeof(double), ascending);
    printf("%s=%.2f\n", names[kind], slices[kind][count / 2]);
  }
  return 0;
}
