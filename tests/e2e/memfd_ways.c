// Memory files in containers under the seccomp profile: ways to run one, and the ways of programs
// that only keep data or code in one.
//
// usage: memfd_ways run HOW    exit 0: the payload ran; 42: EPERM; else the test does not work
//            HOW: fexecve, execve_fd, dev_fd, execveat, script, dup, sibling, user_namespace,
//                 thread, exec_flag, huge (empty), huge_gigantic (the same of 1 GiB pages),
//                 huge_script (needs a huge page)
//        memfd_ways use        a memory file as plain memory; exit 0 if all of it works
//        memfd_ways many N     makes and closes N; prints "us=N" for each
//        memfd_ways keep N SECONDS   makes N, prints how many there were to be had, and keeps them
//        memfd_ways race SECONDS   the path of execveat changes meanwhile; exit 0: it never ran
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
enum { RAN = 0, HELD = 42, BROKEN = 1, PAYLOAD_STATUS = 77 };
extern char **environ;
static char *arguments[] = {"payload", NULL};

static void broken(const char *what) {
  perror(what);
  exit(BROKEN);
}

static void copy_payload(int to) {
  static char bytes[1 << 16];
  int from = open("/app/payload", O_RDONLY);
  ssize_t n;
  if (from < 0) broken("/app/payload");
  while ((n = read(from, bytes, sizeof bytes)) > 0)
    if (write(to, bytes, n) != n) broken("write");
  close(from);
}

static int made(unsigned flags) {
  int fd = memfd_create("evil", flags);
  if (fd < 0) broken("memfd_create");
  copy_payload(fd);
  return fd;
}

static void send_fd(int socket, int fd) {
  char byte = 'x', control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (sendmsg(socket, &message, 0) < 0) broken("sendmsg");
}

static int received_fd(int socket) {
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = sizeof control};
  int fd;
  if (recvmsg(socket, &message, 0) < 0) broken("recvmsg");
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static void execute(const char *format, int fd) {
  char path[64];
  snprintf(path, sizeof path, format, fd);
  execve(path, arguments, environ);
}

static void *execute_here(void *fd) {
  execute("/proc/self/fd/%d", *(int *)fd);
  _exit(errno == EPERM ? HELD : BROKEN);
}

static void run(const char *how) {
  if (strcmp(how, "fexecve") == 0) {
    fexecve(made(MFD_CLOEXEC), arguments, environ);
  } else if (strcmp(how, "execve_fd") == 0) {
    execute("/proc/self/fd/%d", made(0));
  } else if (strcmp(how, "dev_fd") == 0) {
    execute("/dev/fd/%d", made(0));
  } else if (strcmp(how, "execveat") == 0) {
    syscall(SYS_execveat, made(MFD_CLOEXEC), "", arguments, environ, AT_EMPTY_PATH);
  } else if (strcmp(how, "script") == 0) {
    int fd = memfd_create("evil", 0);
    dprintf(fd, "#!/bin/sh\nexit 77\n");
    execute("/proc/self/fd/%d", fd);
  } else if (strcmp(how, "dup") == 0) {
    int fd = made(0), other = dup(fd);
    close(fd);
    execute("/proc/self/fd/%d", other);
  } else if (strcmp(how, "sibling") == 0) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) broken("socketpair");
    if (fork() == 0) {
      send_fd(ends[0], made(0));
      _exit(0);
    }
    execute("/proc/self/fd/%d", received_fd(ends[1]));
  } else if (strcmp(how, "user_namespace") == 0) {
    int fd = made(0);
    if (unshare(CLONE_NEWUSER) < 0) broken("unshare");
    execute("/proc/self/fd/%d", fd);
  } else if (strcmp(how, "thread") == 0) {
    int fd = made(0);
    pthread_t thread;
    pthread_create(&thread, NULL, execute_here, &fd);
    pthread_join(thread, NULL);
  } else if (strcmp(how, "huge") == 0) {
    // No huge page is needed to be asked: the kernel reads the file after that.
    execute("/proc/self/fd/%d", memfd_create("evil", MFD_HUGETLB));
  } else if (strcmp(how, "huge_gigantic") == 0) {
    execute("/proc/self/fd/%d", memfd_create("evil", MFD_HUGETLB | MFD_HUGE_1GB));
  } else if (strcmp(how, "huge_script") == 0) {
    int fd = memfd_create("evil", MFD_HUGETLB);
    char *page = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) broken("a huge page");
    // The shell reads all of it: what follows the first line that ends it does not matter.
    strcpy(page, "#!/bin/sh\nexit 77\n");
    munmap(page, 2 << 20);
    execute("/proc/self/fd/%d", fd);
  } else if (strcmp(how, "exec_flag") == 0) {
    execute("/proc/self/fd/%d", made(MFD_EXEC));
  } else {
    fprintf(stderr, "unknown: %s\n", how);
    _exit(BROKEN);
  }
  if (errno == EPERM) _exit(HELD);
  broken("execve");
}

#define MUST(condition)                                     \
  do {                                                      \
    if (!(condition)) {                                     \
      fprintf(stderr, "%s: %s\n", #condition, strerror(errno)); \
      return BROKEN;                                        \
    }                                                       \
  } while (0)

static int use(void) {
  char link[128], path[64];
  struct stat file;
  int fd = memfd_create("plain memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  MUST(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
  MUST(ftruncate(fd, 8192) == 0 && write(fd, "data", 4) == 4);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(path, link, sizeof link - 1);
  MUST(n > 0);
  link[n] = 0;
  MUST(strcmp(link, "/memfd:plain memory (deleted)") == 0);
  MUST(fstat(fd, &file) == 0 && file.st_uid == geteuid() && file.st_gid == getegid());
  MUST(fchmod(fd, 0600) == 0);
  char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  MUST(page != MAP_FAILED && memcmp(page, "data", 4) == 0);
  // A compiler at run time: written through one mapping, run through another.
  static const unsigned char code[] = {
#ifdef __x86_64__
      0xb8, 42, 0, 0, 0, 0xc3
#else
      0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6
#endif
  };
  memcpy(page + 4096, code, sizeof code);
  void *run = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 4096);
  MUST(run != MAP_FAILED);
  __builtin___clear_cache(run, (char *)run + 4096);
  MUST(((int (*)(void))run)() == 42);
  MUST(munmap(page, 8192) == 0 && munmap(run, 4096) == 0);
  MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK) == 0);
  MUST(fcntl(fd, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_SHRINK));
  MUST(write(fd, "x", 1) < 0 && errno == EPERM);
  int open_fd = memfd_create("", 0);
  MUST(open_fd >= 0 && !(fcntl(open_fd, F_GETFD) & FD_CLOEXEC));
  MUST(fcntl(open_fd, F_GET_SEALS) == F_SEAL_SEAL);
  // Errors are the caller's own.
  char name[251];
  memset(name, 'n', sizeof name);
  name[249] = 0;
  MUST(memfd_create(name, 0) >= 0);
  name[249] = 'n';
  name[250] = 0;
  MUST(memfd_create(name, 0) < 0 && errno == EINVAL);
  MUST(memfd_create((char *)8, 0) < 0 && errno == EFAULT);
  MUST(memfd_create("x", 0x8000) < 0 && errno == EINVAL);
  while (dup(0) >= 0) {
  }
  MUST(errno == EMFILE);
  MUST(memfd_create("x", 0) < 0 && errno == EMFILE);
  return 0;
}

static int many(int count) {
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int i = 0; i < count; ++i) {
    int fd = memfd_create("x", MFD_CLOEXEC);
    MUST(fd >= 0);
    close(fd);
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("us=%.2f\n", ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / 1e3 / count);
  return 0;
}

static int keep(int count, int seconds) {
  struct rlimit limit = {0};
  int made = 0;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  while (made < count && memfd_create("x", 0) >= 0) ++made;
  printf("%d errno=%d\n", made, made < count ? errno : 0);
  fflush(stdout);
  sleep(seconds);
  return 0;
}

// The path that execveat is given changes between the image's program and a memory file.
static char raced[64];
static char paths[2][64];
static volatile int done;
static void *change(void *unused) {
  for (unsigned i = 0; !done; ++i) memcpy(raced, paths[i & 1], sizeof raced);
  return unused;
}

static int race(int seconds) {
  int fd = made(0), ran = 0, held = 0;
  snprintf(paths[0], sizeof paths[0], "/app/victim");
  snprintf(paths[1], sizeof paths[1], "/proc/self/fd/%d", fd);
  memcpy(raced, paths[0], sizeof raced);
  const time_t end = time(NULL) + seconds;
  pthread_t thread;
  pthread_create(&thread, NULL, change, NULL);
  while (time(NULL) < end) {
    pid_t child = vfork();
    if (child == 0) {
      syscall(SYS_execveat, AT_FDCWD, raced, arguments, environ, 0);
      _exit(errno == EPERM ? HELD : BROKEN);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == PAYLOAD_STATUS) ++ran;
    if (WIFEXITED(status) && WEXITSTATUS(status) == HELD) ++held;
  }
  done = 1;
  pthread_join(thread, NULL);
  printf("ran=%d held=%d\n", ran, held);
  return ran == 0 && held > 0 ? 0 : BROKEN;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "use") == 0) return use();
  if (argc == 3 && strcmp(argv[1], "many") == 0) return many(atoi(argv[2]));
  if (argc == 4 && strcmp(argv[1], "keep") == 0) return keep(atoi(argv[2]), atoi(argv[3]));
  if (argc == 3 && strcmp(argv[1], "race") == 0) return race(atoi(argv[2]));
  if (argc != 3 || strcmp(argv[1], "run") != 0) return BROKEN;
  pid_t child = fork();
  if (child == 0) run(argv[2]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == PAYLOAD_STATUS) return RAN;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
