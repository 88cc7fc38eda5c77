// Load for the tests of restarts: again and again runs an unchanged program of the image, which
// must always work, and a copy of another that it makes and gives its x bits, which must never run.
// It counts, and measures the longest that one of the runs kept it waiting.
//
// usage: drift_load IMAGE_PROGRAM PAYLOAD DIRECTORY
// Makes DIRECTORY and writes DIRECTORY/report, one line, over again at each round:
//   rounds=N refused=N drifted=N longest_ms=N done=0|1
//   refused: image programs that could not be run; drifted: payloads that ran
//   longest_ms: the longest wait; SIGUSR1 begins a new measurement of it
// SIGTERM ends it after the round.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_STATUS 77  // tests/evasion/evasion.h

static volatile sig_atomic_t stop, measure_anew;

static void on_signal(int number) {
  if (number == SIGTERM) stop = 1;
  if (number == SIGUSR1) measure_anew = 1;
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void die(const char *what) {
  perror(what);
  exit(2);
}

// The exit status; -1: it could not be started, which is how a refusal looks.
static int run(const char *path) {
  char *arguments[] = {(char *)path, NULL};
  char *environment[] = {NULL};
  pid_t child;
  int status;
  if (posix_spawn(&child, path, NULL, NULL, arguments, environment) != 0) return -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A file of those bytes that becomes executable only after it was written: nothing at its creation
// says what it will be, so that its run is what has to be refused.
static void drop(const char *path, const char *bytes, size_t size) {
  unlink(path);
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return;
  if (write(file, bytes, size) != (ssize_t)size) die("write of the copy");
  close(file);
  chmod(path, 0755);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: drift_load IMAGE_PROGRAM PAYLOAD DIRECTORY\n");
    return 2;
  }
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  int payload = open(argv[2], O_RDONLY | O_CLOEXEC);
  struct stat state;
  if (payload < 0 || fstat(payload, &state) != 0) die(argv[2]);
  size_t size = (size_t)state.st_size;
  char *bytes = malloc(size);
  if (bytes == NULL || read(payload, bytes, size) != (ssize_t)size) die(argv[2]);
  // Directory, report: opened once, before anything may hang.
  if (mkdir(argv[3], 0755) != 0 || chdir(argv[3]) != 0) die(argv[3]);
  int report = open("report", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (report < 0) die("report");

  long rounds = 0, refused = 0, drifted = 0, longest = 0;
  for (int done = 0; !done; rounds++) {
    // A path of its own each time: no verdict on one file serves for the next.
    char path[32], line[160];
    snprintf(path, sizeof path, "./copy%ld", rounds % 8);
    for (int drift = 0; drift < 2; drift++) {
      const long begin = now_ms();
      if (drift) drop(path, bytes, size);
      const int status = run(drift ? path : argv[1]);
      const long waited = now_ms() - begin;
      // Forgotten before the wait is taken into account: one that has begun before counts.
      if (measure_anew) measure_anew = 0, longest = 0;
      if (waited > longest) longest = waited;
      if (drift && status == PAYLOAD_STATUS) drifted++;
      if (!drift && status != 0) refused++;
    }
    done = stop;
    int length =
        snprintf(line, sizeof line, "rounds=%ld refused=%ld drifted=%ld longest_ms=%ld done=%d",
                 rounds + 1, refused, drifted, longest, done);
    memset(line + length, ' ', sizeof line - (size_t)length);
    line[sizeof line - 1] = '\n';
    if (pwrite(report, line, sizeof line, 0) != sizeof line) die("report");
    usleep(2000);
  }
  return 0;
}
