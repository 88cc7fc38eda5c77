// A storm in one container: processes that write, swap and rename drifted programs, and processes
// that run whatever is there. Prints one line of JSON at its end: what ran, what was refused.
// usage: storm WRITERS EXECUTORS SECONDS IMAGE_PROGRAM VICTIMS
//   IMAGE_PROGRAM: never changed, so that it must always run
//   VICTIMS: a directory of executables of the image, 0 to 7, that are changed
#include <time.h>

#include "evasion.h"

enum { FILES = 8, MOST = 64, KINDS = 7 };

struct counts {
  long written, swapped, renamed, drifted, denied, victim_ran, image_ran, image_refused, other;
  int last_error;
};
static const char *image, *victims;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void name_of(char *path, size_t size, unsigned which) {
  if (which % 2)
    snprintf(path, size, "%s/%u", victims, which / 2 % FILES);
  else
    snprintf(path, size, "%u", which / 2 % FILES);
}

// One change, of a kind that the seed chooses. Failures do not matter: others do the same.
static void change(struct counts *counts, unsigned *seed) {
  char path[256], other[256], link[64];
  const unsigned which = rand_r(seed);
  name_of(path, sizeof path, which);
  name_of(other, sizeof other, rand_r(seed));
  snprintf(link, sizeof link, "link%u", which / 2 % FILES);
  switch (rand_r(seed) % KINDS) {
    case 0:  // data first
      chmod(path, 0644);
      drop_late(path);
      counts->written++;
      break;
    case 1:  // executable from its creation on
      unlink(path);
      drop(path, 0755);
      counts->written++;
      break;
    case 2:
      if (truncate(path, 0) == 0) counts->written++;
      drop(path, 0644);
      break;
    case 3:
      if (rename(path, other) == 0) counts->renamed++;
      break;
    case 4:
      if (renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE) == 0) counts->swapped++;
      break;
    case 5:
      unlink(other);
      if (linkat(AT_FDCWD, path, AT_FDCWD, other, 0) == 0) counts->renamed++;
      break;
    default:
      unlink(link);
      if (symlink(path, link) == 0) counts->swapped++;
  }
}

// The exit status; -1 with errno: it was not executed.
static int run(const char *path) {
  volatile int error = 0;
  pid_t child = vfork();
  if (child == 0) {
    execl(path, path, (char *)NULL);
    error = errno;
    _exit(4);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0) return -1;
  errno = error;
  if (error) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void execute(struct counts *counts, unsigned *seed) {
  char path[256];
  const unsigned which = rand_r(seed);
  if (which % 4 == 0) {
    if (run(image) == 0)
      counts->image_ran++;
    else
      counts->image_refused++;
    return;
  }
  if (which % 4 == 1)
    snprintf(path, sizeof path, "link%u", which / 4 % FILES);
  else
    name_of(path, sizeof path, which / 4);
  const int status = run(path);
  if (status == PAYLOAD_STATUS) {
    counts->drifted++;
  } else if (status == 0) {
    counts->victim_ran++;
  } else if (status < 0 && errno == EPERM) {
    counts->denied++;
  } else {
    // Gone, empty, not executable or being written at that moment.
    counts->other++;
    counts->last_error = status < 0 ? errno : -status;
  }
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: storm WRITERS EXECUTORS SECONDS IMAGE_PROGRAM VICTIMS\n");
    return BROKEN;
  }
  const int writers = atoi(argv[1]), processes = writers + atoi(argv[2]);
  const double end = now() + atof(argv[3]);
  image = argv[4];
  victims = argv[5];
  payload_size();
  struct counts *all =
      mmap(NULL, sizeof *all * MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED || processes > MOST) broken("processes");
  for (int i = 0; i < processes; i++) {
    if (fork() != 0) continue;
    unsigned seed = i + 1;
    while (now() < end) (i < writers ? change : execute)(&all[i], &seed);
    _exit(0);
  }
  while (wait(NULL) > 0) continue;
  struct counts sum = {0};
  for (int i = 0; i < processes; i++) {
    sum.written += all[i].written;
    sum.swapped += all[i].swapped;
    sum.renamed += all[i].renamed;
    sum.drifted += all[i].drifted;
    sum.denied += all[i].denied;
    sum.victim_ran += all[i].victim_ran;
    sum.image_ran += all[i].image_ran;
    sum.image_refused += all[i].image_refused;
    sum.other += all[i].other;
    if (all[i].last_error) sum.last_error = all[i].last_error;
  }
  printf(
      "{\"written\":%ld,\"swapped\":%ld,\"renamed\":%ld,\"drifted\":%ld,\"refused\":%ld,"
      "\"victim_ran\":%ld,\"image_ran\":%ld,\"image_refused\":%ld,\"other\":%ld,"
      "\"last_error\":%d}\n",
      sum.written, sum.swapped, sum.renamed, sum.drifted, sum.denied, sum.victim_ran, sum.image_ran,
      sum.image_refused, sum.other, sum.last_error);
  return 0;
}
