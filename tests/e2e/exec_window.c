// What the tests of the exec watch run inside containers.
//
// usage: exec_window linger                  waits for half a minute
//        exec_window memory                  runs itself, lingering, from a memory file
//        exec_window hold PATH               makes two executables of the kind that is written to later:
//                                            PATH-open, open for writing, and PATH-mapped, which is
//                                            mapped writable and shared; waits for half a minute
//        exec_window measure PROGRAM ROUNDS  runs PROGRAM, a copy of this one, again and again, and
//                                            prints how many were killed, how long after their
//                                            execve they last ran code of their own (0: never), and
//                                            how long after it they were dead: "killed=N of=N
//                                            ran_median_us=N ran_p99_us=N ran_longest_us=N
//                                            dead_median_us=N dead_p99_us=N dead_longest_us=N"
//        exec_window fresh [until FILE] [unmounted] ARGUMENT...
//                                            does the rest from a copy of itself on a tmpfs of a
//                                            mount namespace that nobody has seen an exec in, so that
//                                            no mark is there; begins when FILE is there; or when the
//                                            tmpfs is unmounted
//        exec_window storm ROUNDS PROGRAM    four threads fork and run PROGRAM; prints
//                                            "failed=N mean_us=N"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { STAMPS = 3, SPIN_SECONDS = 5, THREADS = 4 };

static long long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

// Where a program tells when it was begun and when it last ran: shared with its parent.
static volatile long long *map_stamps(int fd) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) {
    perror("mmap");
    exit(2);
  }
  return page;
}

static int spin(void) {
  volatile long long *stamps = map_stamps(STAMPS);
  while (now_us() - stamps[0] < SPIN_SECONDS * 1000000LL) stamps[1] = now_us();
  return 3;  // nobody has killed it
}

static int in_order(const void *a, const void *b) {
  const long long x = *(const long long *)a, y = *(const long long *)b;
  return (x > y) - (x < y);
}

static void print_times(const char *what, long long *times, int count) {
  qsort(times, (size_t)count, sizeof *times, in_order);
  printf(" %s_median_us=%lld %s_p99_us=%lld %s_longest_us=%lld", what, times[count / 2], what,
         times[count * 99 / 100], what, times[count - 1]);
}

static int measure(const char *program, int rounds) {
  const int file = open("/tmp/stamps", O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || ftruncate(file, 4096) != 0 || dup2(file, STAMPS) != STAMPS) {
    perror("/tmp/stamps");
    return 2;
  }
  volatile long long *stamps = map_stamps(STAMPS);
  long long *ran = calloc((size_t)rounds, sizeof *ran);
  long long *dead = calloc((size_t)rounds, sizeof *dead);
  int killed = 0;
  for (int i = 0; i < rounds; ++i) {
    stamps[1] = 0;
    const pid_t child = fork();
    if (child == 0) {
      stamps[0] = now_us();
      execl(program, program, "spin", (char *)NULL);
      _exit(4);
    }
    int status = 0;
    waitpid(child, &status, 0);
    dead[i] = now_us() - stamps[0];
    ran[i] = stamps[1] > stamps[0] ? stamps[1] - stamps[0] : 0;
    killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }
  printf("killed=%d of=%d", killed, rounds);
  print_times("ran", ran, rounds);
  print_times("dead", dead, rounds);
  printf("\n");
  return 0;
}

static int run_from_memory(void) {
  const int memory = memfd_create("tool", 0);
  const int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  while (sendfile(memory, self, NULL, 1 << 20) > 0) {
  }
  char *arguments[] = {"tool", "linger", NULL};
  fexecve(memory, arguments, environ);
  perror("fexecve");
  return 1;
}

static int fresh(char **arguments) {
  const int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  mkdir("/tmp/own", 0755);
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("tmpfs", "/tmp/own", "tmpfs", 0, NULL) != 0 || chdir("/tmp/own") != 0) {
    perror("a tmpfs of its own");
    return 1;
  }
  const int tool = open("tool", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  while (sendfile(tool, self, NULL, 1 << 20) > 0) {
  }
  close(tool);
  if (*arguments && !strcmp(*arguments, "until")) {
    while (access(arguments[1], F_OK) != 0) usleep(10000);
    arguments += 2;
  }
  if (*arguments && !strcmp(*arguments, "unmounted")) {
    ++arguments;
    umount2("/tmp/own", MNT_DETACH);
  }
  if (*arguments && !strcmp(*arguments, "measure")) return measure("./tool", atoi(arguments[1]));
  execv("./tool", arguments - 1);
  perror("execv");
  return 1;
}

static struct {
  int rounds;
  char *program;
} storm_of;

static void *storm_thread(void *failed) {
  for (int i = 0; i < storm_of.rounds / THREADS; ++i) {
    char *arguments[] = {storm_of.program, NULL};
    pid_t child = 0;
    int status = 0;
    if (posix_spawn(&child, storm_of.program, NULL, NULL, arguments, environ) != 0 ||
        waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      ++*(int *)failed;
    }
  }
  return NULL;
}

static int storm(int rounds, char *program) {
  storm_of.rounds = rounds;
  storm_of.program = program;
  pthread_t threads[THREADS];
  int failed[THREADS] = {0};
  int sum = 0;
  const long long begin = now_us();
  for (int i = 0; i < THREADS; ++i) pthread_create(&threads[i], NULL, storm_thread, &failed[i]);
  for (int i = 0; i < THREADS; ++i) {
    pthread_join(threads[i], NULL);
    sum += failed[i];
  }
  printf("failed=%d mean_us=%lld\n", sum, (now_us() - begin) / rounds);
  return 0;
}

static int hold(const char *path) {
  char name[256];
  snprintf(name, sizeof name, "%s-open", path);
  const int kept = open(name, O_RDWR | O_CREAT, 0755);
  snprintf(name, sizeof name, "%s-mapped", path);
  const int fd = open(name, O_RDWR | O_CREAT, 0755);
  if (kept < 0 || fd < 0 || ftruncate(fd, 4096) < 0) return 1;
  if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED) return 1;
  close(fd);
  return (int)sleep(30);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "linger")) return (int)sleep(30);
  if (!strcmp(what, "hold") && argc == 3) return hold(argv[2]);
  if (!strcmp(what, "spin")) return spin();
  if (!strcmp(what, "memory")) return run_from_memory();
  if (!strcmp(what, "fresh") && argc > 2) return fresh(argv + 2);
  if (!strcmp(what, "measure") && argc == 4) return measure(argv[2], atoi(argv[3]));
  if (!strcmp(what, "storm") && argc == 4) return storm(atoi(argv[2]), argv[3]);
  fprintf(stderr, "exec_window: see its source\n");
  return 2;
}
