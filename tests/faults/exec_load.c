// The load of the fault tests, inside a container: so many processes that run an image binary, a
// copied-up image binary and a drifted one in turn, for so many seconds. Prints one line of JSON:
// what ran, what was refused, what went wrong, and how long the slowest exec took.
// usage: exec_load PROCESSES SECONDS IMAGE COPIED-UP DRIFTED
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_LATENCIES = 1 << 16, PAYLOAD_STATUS = 77, NOT_RUN = 120 };

struct counts {
  long image_ran, image_refused, copied_ran, copied_refused, drift_ran, drift_refused, other;
  int last_error;
  long latencies;
  unsigned latency_us[MOST_LATENCIES];
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

// The exit status of `path`, or minus the errno of its exec. The child shares the memory until then.
static int run(const char *path) {
  volatile int error = 0;
  const pid_t pid = vfork();
  if (pid < 0) return -errno;
  if (pid == 0) {
    execl(path, path, (char *)0);
    error = errno;
    _exit(NOT_RUN);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (error != 0) return -error;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void work(struct counts *counts, double end, char **paths) {
  for (int turn = 0; now() < end; ++turn) {
    const int which = turn % 3;
    const double begin = now();
    const int result = run(paths[which]);
    const double took = (now() - begin) * 1e6;
    counts->latency_us[counts->latencies++ % MOST_LATENCIES] = (unsigned)took;
    if (which < 2) {
      long *ran = which == 0 ? &counts->image_ran : &counts->copied_ran;
      long *refused = which == 0 ? &counts->image_refused : &counts->copied_refused;
      if (result == 0)
        ++*ran;
      else if (result == -EPERM)
        ++*refused;
      else {
        ++counts->other;
        counts->last_error = result;
      }
    } else if (result == PAYLOAD_STATUS) {
      ++counts->drift_ran;
    } else if (result == -EPERM) {
      ++counts->drift_refused;
    } else {
      ++counts->other;
      counts->last_error = result;
    }
  }
}

static int ascending(const void *a, const void *b) {
  const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: exec_load PROCESSES SECONDS IMAGE COPIED-UP DRIFTED\n");
    return 2;
  }
  const int processes = atoi(argv[1]);
  const double end = now() + atof(argv[2]);
  struct counts *all = mmap(NULL, sizeof *all * processes, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return 2;
  for (int i = 0; i < processes; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      work(&all[i], end, argv + 3);
      _exit(0);
    }
  }
  while (wait(NULL) > 0) {
  }
  struct counts sum = {0};
  long n = 0;
  unsigned *latencies = malloc(sizeof *latencies * MOST_LATENCIES * processes);
  for (int i = 0; i < processes; ++i) {
    sum.image_ran += all[i].image_ran;
    sum.image_refused += all[i].image_refused;
    sum.copied_ran += all[i].copied_ran;
    sum.copied_refused += all[i].copied_refused;
    sum.drift_ran += all[i].drift_ran;
    sum.drift_refused += all[i].drift_refused;
    sum.other += all[i].other;
    if (all[i].last_error) sum.last_error = all[i].last_error;
    const long k = all[i].latencies < MOST_LATENCIES ? all[i].latencies : MOST_LATENCIES;
    memcpy(latencies + n, all[i].latency_us, k * sizeof *latencies);
    n += k;
  }
  qsort(latencies, n, sizeof *latencies, ascending);
  printf("{\"image_ran\":%ld,\"image_refused\":%ld,\"copied_ran\":%ld,\"copied_refused\":%ld,"
         "\"drift_ran\":%ld,\"drift_refused\":%ld,\"other\":%ld,\"last_error\":%d,"
         "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"longest_ms\":%.3f}\n",
         sum.image_ran, sum.image_refused, sum.copied_ran, sum.copied_refused, sum.drift_ran,
         sum.drift_refused, sum.other, sum.last_error, n ? latencies[n / 2] / 1e3 : 0,
         n ? latencies[n - 1 - n / 100] / 1e3 : 0, n ? latencies[n - 1 - n / 1000] / 1e3 : 0,
         n ? latencies[n - 1] / 1e3 : 0);
  return 0;
}
