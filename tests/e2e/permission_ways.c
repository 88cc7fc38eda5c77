// Ways to make a file executable without opening it, in containers whose profile asks about them.
//
// usage: permission_ways give HOW   exit 0: the file is executable now; 42: EPERM, and it is not;
//                                   38: there is no such call; else the test does not work
//        permission_ways other HOW  what must go on working; exit 0 if it does
//        permission_ways many MODE N   N times chmod(2) of an image's program; prints "us=N"
//        permission_ways race SECONDS  the memory behind chmod's path and execveat's path changes
//                                      meanwhile; exit 0: drift never ran
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
enum { GIVEN = 0, HELD = 42, UNKNOWN = 38, BROKEN = 1, PAYLOAD_STATUS = 77 };
static const char drift[] = "/drifted", image[] = "/app/victim";
extern char **environ;
static char *arguments[] = {"payload", NULL};

// struct posix_acl_xattr_header, then owner, group, others.
struct acl {
  unsigned version;
  struct {
    unsigned short tag, perm;
    unsigned id;
  } entries[3];
};
static const struct acl executable_acl = {2, {{1, 7, -1U}, {4, 5, -1U}, {32, 5, -1U}}};
static const struct acl plain_acl = {2, {{1, 6, -1U}, {4, 4, -1U}, {32, 4, -1U}}};
static const char acl_name[] = "system.posix_acl_access";

static void broken(const char *what) {
  perror(what);
  exit(BROKEN);
}

static int dropped(void) {
  static char bytes[1 << 16];
  unlink(drift);
  int from = open("/app/payload", O_RDONLY), to = open(drift, O_RDWR | O_CREAT | O_EXCL, 0644);
  ssize_t n;
  if (from < 0 || to < 0) broken("drop");
  while ((n = read(from, bytes, sizeof bytes)) > 0)
    if (write(to, bytes, n) != n) broken("write");
  close(from);
  return to;
}

static int is_executable(const char *path) {
  struct stat file;
  return stat(path, &file) == 0 && (file.st_mode & 0111) != 0;
}

// /proc/PID/fd/N of a child that has the file.
static int by_other_process(int fd) {
  char path[64];
  int ready[2], done[2], result;
  if (pipe(ready) < 0 || pipe(done) < 0) broken("pipe");
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(done[1]);
    _exit(read(done[0], &byte, 1) < 0);
  }
  snprintf(path, sizeof path, "/proc/%d/fd/%d", child, fd);
  result = chmod(path, 0755);
  int error = errno;
  close(done[1]);
  waitpid(child, NULL, 0);
  errno = error;
  return result;
}

// By the other system call table. Addresses of a static program fit its registers.
static int chmod_of_i386(const char *path, mode_t mode) {
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(15L), "b"(path), "c"((long)mode) : "memory");
  if (result >= 0) return 0;
  errno = -(int)result;
  return -1;
#else
  return chmod(path, mode);
#endif
}

static int give(const char *how) {
  char path[64];
  int fd = dropped(), result;
  if (strcmp(how, "chmod") == 0) {
    result = syscall(SYS_chmod, drift, 0755);
  } else if (strcmp(how, "one_bit") == 0) {
    result = syscall(SYS_chmod, drift, 0645);
  } else if (strcmp(how, "high_bits") == 0) {
    result = syscall(SYS_chmod, drift, 0xffffffff00000000UL | 0755);
  } else if (strcmp(how, "relative") == 0) {
    if (chdir("/app") < 0) broken("chdir");
    result = syscall(SYS_chmod, "../drifted", 0755);
  } else if (strcmp(how, "link") == 0) {
    if (symlink(drift, "/app/link") < 0) broken("symlink");
    result = syscall(SYS_fchmodat, AT_FDCWD, "/app/link", 0755);
    unlink("/app/link");
  } else if (strcmp(how, "fchmod") == 0) {
    result = syscall(SYS_fchmod, fd, 0755);
  } else if (strcmp(how, "fchmodat") == 0) {
    result = syscall(SYS_fchmodat, open("/", O_PATH), "drifted", 0755);
  } else if (strcmp(how, "fchmodat2") == 0) {
    result = syscall(SYS_fchmodat2, open(drift, O_PATH), "", 0755, AT_EMPTY_PATH);
  } else if (strcmp(how, "self_fd") == 0) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", open(drift, O_PATH));
    result = chmod(path, 0755);
  } else if (strcmp(how, "other_fd") == 0) {
    result = by_other_process(fd);
  } else if (strcmp(how, "chroot") == 0) {
    if (chroot("/app") < 0) broken("chroot");
    result = syscall(SYS_chmod, "../drifted", 0755);  // the working directory is above it
    chroot(".");
  } else if (strcmp(how, "i386") == 0) {
    result = chmod_of_i386(drift, 0755);
  } else if (strcmp(how, "proc_root") == 0) {
    result = chmod("/proc/self/root/drifted", 0755);
  } else if (strcmp(how, "mknod") == 0) {
    unlink(drift);
    result = syscall(SYS_mknod, drift, S_IFREG | 0755, 0);
  } else if (strcmp(how, "mknod_without_type") == 0) {
    unlink(drift);
    result = syscall(SYS_mknod, drift, 0711, 0);
  } else if (strcmp(how, "mknodat") == 0) {
    unlink(drift);
    result = syscall(SYS_mknodat, open("/", O_PATH), "drifted", S_IFREG | 0755, 0);
  } else if (strcmp(how, "setxattr") == 0) {
    result = setxattr(drift, acl_name, &executable_acl, sizeof executable_acl, 0);
  } else if (strcmp(how, "lsetxattr") == 0) {
    result = lsetxattr(drift, acl_name, &executable_acl, sizeof executable_acl, 0);
  } else if (strcmp(how, "fsetxattr") == 0) {
    result = fsetxattr(fd, acl_name, &executable_acl, sizeof executable_acl, 0);
  } else {
    fprintf(stderr, "unknown: %s\n", how);
    return BROKEN;
  }
  if (result == 0 && is_executable(drift)) return GIVEN;
  if (result < 0 && errno == EPERM && !is_executable(drift)) return HELD;
  if (result < 0 && errno == ENOSYS) return UNKNOWN;
  broken(how);
  return BROKEN;
}

#define MUST(condition)                                     \
  do {                                                      \
    if (!(condition)) {                                     \
      fprintf(stderr, "%s: %s\n", #condition, strerror(errno)); \
      return BROKEN;                                        \
    }                                                       \
  } while (0)

static int other(const char *how) {
  if (strcmp(how, "image") == 0) {
    MUST(chmod(image, 0644) == 0 && !is_executable(image));
    MUST(chmod(image, 0755) == 0 && is_executable(image));
    MUST(setxattr(image, acl_name, &executable_acl, sizeof executable_acl, 0) == 0);
  } else if (strcmp(how, "directory") == 0) {
    MUST(mkdir("/directory", 0700) == 0 && chmod("/directory", 0755) == 0);
    MUST(rmdir("/directory") == 0);
  } else if (strcmp(how, "nodes") == 0) {
    MUST(mknod("/fifo", S_IFIFO | 0777, 0) == 0 && unlink("/fifo") == 0);
    MUST(mknod("/node", S_IFREG | 0644, 0) == 0);
    MUST(mknod("/node", S_IFREG | 0755, 0) < 0 && errno == EEXIST);
    MUST(unlink("/node") == 0);
  } else if (strcmp(how, "errors") == 0) {
    MUST(chmod("/nowhere", 0755) < 0 && errno == ENOENT);
    MUST(chmod((char *)8, 0755) < 0 && errno == EFAULT);
    MUST(fchmod(1000, 0755) < 0 && errno == EBADF);
    MUST(setxattr("/nowhere", acl_name, &plain_acl, sizeof plain_acl, 0) < 0 && errno == ENOENT);
  } else if (strcmp(how, "attributes") == 0) {
    int fd = dropped();
    MUST(setxattr(drift, acl_name, &plain_acl, sizeof plain_acl, 0) == 0);
    MUST(fsetxattr(fd, "user.note", "text", 4, 0) == 0 || errno == EOPNOTSUPP);
  } else if (strcmp(how, "plain") == 0) {
    int fd = dropped();
    for (int i = 0; i < 100; ++i) MUST(chmod(drift, i & 1 ? 0644 : 0600) == 0 && fchmod(fd, 0640) == 0);
  } else {
    MUST(!"known");
  }
  return 0;
}

static int many(mode_t mode, int count) {
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int i = 0; i < count; ++i) MUST(chmod(image, mode) == 0);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("us=%.2f\n", ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / 1e3 / count);
  return 0;
}

static char raced[2][64];  // the paths of chmod and of execveat
static volatile int done;
static void *change(void *unused) {
  const char *const names[2] = {image, drift};
  char padded[2][64] = {{0}};
  for (int i = 0; i < 2; ++i) strcpy(padded[i], names[i]);
  for (unsigned i = 0; !done; ++i) {
    memcpy(raced[0], padded[i & 1], sizeof raced[0]);
    memcpy(raced[1], padded[(i >> 1) & 1], sizeof raced[1]);
  }
  return unused;
}

static int run_raced(void) {
  pid_t child = vfork();
  if (child == 0) {
    syscall(SYS_execveat, AT_FDCWD, raced[1], arguments, environ, 0);
    _exit(errno == EPERM ? HELD : BROKEN);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

static int race(int seconds) {
  int given = 0, refused = 0, ran = 0, held = 0;
  close(dropped());
  strcpy(raced[0], image);
  strcpy(raced[1], image);
  pthread_t thread;
  pthread_create(&thread, NULL, change, NULL);
  for (const time_t end = time(NULL) + seconds; time(NULL) < end;) {
    if (chmod(raced[0], 0755) < 0 && errno == EPERM) ++refused;
    given += is_executable(drift);
    for (int i = 0; i < 4; ++i) {
      const int status = run_raced();
      ran += status == PAYLOAD_STATUS;
      held += status == HELD;
    }
    if (is_executable(drift) && chmod(drift, 0644) < 0) broken("chmod");
  }
  done = 1;
  pthread_join(thread, NULL);
  printf("ran=%d held=%d refused=%d given=%d\n", ran, held, refused, given);
  return ran == 0 && refused > 0 ? 0 : BROKEN;
}

int main(int argc, char **argv) {
  umask(0);
  if (argc == 3 && strcmp(argv[1], "give") == 0) return give(argv[2]);
  if (argc == 3 && strcmp(argv[1], "other") == 0) return other(argv[2]);
  if (argc == 4 && strcmp(argv[1], "many") == 0)
    return many(strtol(argv[2], NULL, 8), atoi(argv[3]));
  if (argc == 3 && strcmp(argv[1], "race") == 0) return race(atoi(argv[2]));
  return BROKEN;
}
