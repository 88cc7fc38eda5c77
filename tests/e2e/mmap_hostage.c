// A process whose mmap lock is held for ever: one of its threads maps a file of this program's own
// FUSE server (FOPEN_DIRECT_IO), which waits for dirty pages to be written back, and the server
// never answers that WRITE. Needs /dev/fuse and CAP_SYS_ADMIN.
//   mmap_hostage probe          which files of /proc/PID do not come back; one "NAME verdict" a line
//   mmap_hostage drop SECONDS   another thread creates the executable /tmp/x; the lock stays held
//   mmap_hostage chmod SECONDS  it makes the file /tmp/x executable instead
// "drop" and "chmod" print "errno=E ms=T"; they exit 0 when that was refused (EPERM), 1 when it was
// not, 2 when the lock could not be taken hostage.
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REFUSED = 0, LET = 1, BROKEN = 2, FILE_NODE = 2, SIZE = 4096, WAIT_MS = 500 };
#define PLACE "/tmp/hostage"

static int device;         // /dev/fuse
static int write_waits;    // a WRITE came, and gets no answer
static int opens;

static void answer(uint64_t unique, int error, const void *data, size_t size) {
  static char reply[sizeof(struct fuse_out_header) + SIZE];
  struct fuse_out_header header = {sizeof header + size, error, unique};
  memcpy(reply, &header, sizeof header);
  if (size) memcpy(reply + sizeof header, data, size);
  if (write(device, reply, sizeof header + size) < 0 && errno != ENOENT) perror("answer");
}

static struct fuse_attr attributes(uint64_t node) {
  struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = SIZE};
  attr.mode = node == FILE_NODE ? S_IFREG | 0644 : S_IFDIR | 0755;
  attr.size = node == FILE_NODE ? SIZE : 0;
  return attr;
}

static void serve_one(void) {
  static char request[1 << 18];
  static char page[SIZE];
  if (read(device, request, sizeof request) < (ssize_t)sizeof(struct fuse_in_header)) return;
  const struct fuse_in_header *in = (const void *)request;
  switch (in->opcode) {
    case FUSE_INIT: {
      struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = SIZE,
                                  .max_readahead = SIZE};
      return answer(in->unique, 0, &out, sizeof out);
    }
    case FUSE_LOOKUP: {
      struct fuse_entry_out out = {.nodeid = FILE_NODE, .entry_valid = 600, .attr_valid = 600};
      out.attr = attributes(FILE_NODE);
      return answer(in->unique, 0, &out, sizeof out);
    }
    case FUSE_GETATTR: {
      struct fuse_attr_out out = {.attr_valid = 600};
      out.attr = attributes(in->nodeid);
      return answer(in->unique, 0, &out, sizeof out);
    }
    case FUSE_OPEN: {
      // The first descriptor goes through the page cache, the second past it.
      struct fuse_open_out out = {.open_flags = opens++ == 0 ? FOPEN_KEEP_CACHE : FOPEN_DIRECT_IO};
      return answer(in->unique, 0, &out, sizeof out);
    }
    case FUSE_READ:
      return answer(in->unique, 0, page, sizeof page);
    case FUSE_WRITE:
      write_waits = 1;
      return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;
    case FUSE_FLUSH:
    case FUSE_RELEASE:
      return answer(in->unique, 0, NULL, 0);
    default:
      return answer(in->unique, -ENOSYS, NULL, 0);
  }
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Serves until the condition holds or the time is over.
static void serve(const int *until, long ms) {
  const long end = now_ms() + ms;
  while (!(until && *until) && now_ms() < end) {
    struct pollfd ready = {device, POLLIN, 0};
    if (poll(&ready, 1, 50) > 0) serve_one();
  }
}

static void hold(void) {
  int cached = open(PLACE "/f", O_RDWR);
  char *shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, cached, 0);
  int direct = open(PLACE "/f", O_RDWR);
  if (shared == MAP_FAILED || direct < 0) _exit(BROKEN);
  shared[0] = 'x';
  mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, direct, 0);
}

static int report[2];  // victim -> server: errno, milliseconds
static int start[2];   // server -> victim: act

static int by_chmod;
static pthread_barrier_t warm;

static void *act(void *unused) {
  char go;
  int result[2] = {0, 0};
  // A page fault could need the lock: every page that is used below is touched before it is held.
  if (write(report[1], result, 0) < 0 || open("/tmp/none/x", O_RDONLY) >= 0 || now_ms() == 0)
    _exit(BROKEN);
  if (by_chmod && (open("/tmp/x", O_WRONLY | O_CREAT, 0644) < 0 || chmod("/tmp/x", 0600) < 0))
    _exit(BROKEN);
  pthread_barrier_wait(&warm);
  if (read(start[0], &go, 1) != 1) return unused;
  const long before = now_ms();
  const int done =
      by_chmod ? chmod("/tmp/x", 0755) : open("/tmp/x", O_WRONLY | O_CREAT | O_EXCL, 0755);
  result[0] = done < 0 ? errno : 0;
  result[1] = (int)(now_ms() - before);
  if (write(report[1], result, sizeof result) < 0) _exit(BROKEN);
  pause();
  return unused;
}

static pid_t start_victim(void) {
  pid_t victim = fork();
  if (victim != 0) return victim;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  close(device);
  pthread_t actor;
  pthread_barrier_init(&warm, NULL, 2);
  if (pthread_create(&actor, NULL, act, NULL)) _exit(BROKEN);
  pthread_barrier_wait(&warm);
  hold();
  _exit(0);
}

// Reads a file of the victim in a process of its own: "passes", "waits" or "fails".
static void probe(pid_t victim, const char *name) {
  pid_t reader = fork();
  if (reader == 0) {
    char path[64], buffer[4096];
    close(device);
    snprintf(path, sizeof path, "/proc/%d/%s", victim, name);
    if (readlink(path, buffer, sizeof buffer) >= 0) _exit(0);
    int fd = open(path, O_RDONLY);
    _exit(fd < 0 || read(fd, buffer, sizeof buffer) < 0);
  }
  int status = -1;
  for (int i = 0; i < WAIT_MS / 10 && waitpid(reader, &status, WNOHANG) == 0; ++i) usleep(10000);
  printf("%s %s\n", name, status == -1 ? "waits" : status == 0 ? "passes" : "fails");
  if (status == -1) {
    kill(reader, SIGKILL);
    waitpid(reader, NULL, 0);
  }
}

int main(int argc, char **argv) {
  alarm(120);
  setbuf(stdout, NULL);
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  char options[80];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  mkdir(PLACE, 0755);
  if (argc < 2 || device < 0 || mount("hostage", PLACE, "fuse", 0, options) != 0 ||
      pipe(report) || pipe(start)) {
    perror("set up");
    return BROKEN;
  }
  by_chmod = strcmp(argv[1], "chmod") == 0;
  pid_t victim = start_victim();
  serve(&write_waits, 5000);
  int result = BROKEN;
  if (!write_waits) {
    fputs("no WRITE came: the lock is free\n", stderr);
  } else if (strcmp(argv[1], "probe") == 0) {
    const char *const names[] = {"cmdline", "environ", "maps",    "smaps", "stat",
                                 "status",  "comm",    "auxv",    "exe",   "cwd",
                                 "root",    "cgroup",  "syscall", "ns/mnt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) probe(victim, names[i]);
    result = 0;
  } else {
    int got[2] = {0, 0};
    puts("held");
    if (write(start[1], "x", 1) == 1 && read(report[0], got, sizeof got) == sizeof got) {
      printf("errno=%d ms=%d\n", got[0], got[1]);
      result = got[0] == EPERM ? REFUSED : LET;
    }
    serve(NULL, argc > 2 ? atol(argv[2]) * 1000 : 0);
  }
  kill(victim, SIGKILL);
  close(device);  // ends the connection: every request fails
  waitpid(victim, NULL, 0);
  umount2(PLACE, MNT_DETACH);
  return result;
}
