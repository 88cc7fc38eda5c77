// Makes an executable without an open of it that would show: usage: make_executable HOW PATH.
// What is linked or moved is an executable of the image; the rest is data before.
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHMODAT2 452

// struct posix_acl_xattr_header, then owner rwx, group r-x, others r-x.
static const struct {
  unsigned version;
  struct {
    unsigned short tag, perm;
    unsigned id;
  } entries[3];
} acl = {2, {{1, 7, -1U}, {4, 5, -1U}, {32, 5, -1U}}};
static const char acl_name[] = "system.posix_acl_access";

// One request to io_uring and its result.
static int ring(struct io_uring_sqe request) {
  static struct io_uring_params params;
  int fd = syscall(SYS_io_uring_setup, 1, &params);
  if (fd < 0) return -errno;
  char *queue = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
  char *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_CQ_RING);
  struct io_uring_sqe *entries =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
  entries[0] = request;
  ((unsigned *)(queue + params.sq_off.array))[0] = 0;
  __atomic_store_n((unsigned *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
  if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 1) return -errno;
  return ((struct io_uring_cqe *)(done + params.cq_off.cqes))->res;
}

static int data(const char *path, int flags) {
  int fd = open(path, O_RDWR | flags, 0644);
  if (fd < 0 || write(fd, "data\n", 5) != 5) perror(path);
  return fd;
}

static int linked(int fd, const char *path) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  return linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

static int make(const char *how, const char *path) {
  char other[256];
  snprintf(other, sizeof other, "%s.other", path);
  unsigned long image = (unsigned long)"/opt/dir/tool";
  if (!strcmp(how, "link")) return link("/app/victim", path);
  if (!strcmp(how, "rename")) return rename("/app/hard_link", path);
  if (!strcmp(how, "mknod")) return mknod(path, S_IFREG | 0755, 0);
  if (!strcmp(how, "ring_link")) {
    return ring((struct io_uring_sqe){.opcode = IORING_OP_LINKAT,
                                      .fd = AT_FDCWD,
                                      .addr = image,
                                      .len = AT_FDCWD,
                                      .addr2 = (unsigned long)path});
  }
  if (!strcmp(how, "ring_rename")) {
    return ring((struct io_uring_sqe){.opcode = IORING_OP_RENAMEAT,
                                      .fd = AT_FDCWD,
                                      .addr = (unsigned long)"/app/acl_execute",
                                      .len = AT_FDCWD,
                                      .addr2 = (unsigned long)path});
  }
  if (!strncmp(how, "tmpfile", 7)) {
    int fd = data("/tmp", O_TMPFILE);
    int late = !strcmp(how, "tmpfile_late");
    if (late && linked(fd, path) < 0) return -1;
    if (fchmod(fd, 0755) < 0) return -1;
    return late ? 0 : linked(fd, path);
  }

  int fd = data(path, O_CREAT);
  if (!strcmp(how, "fchmod")) return fchmod(fd, 0755);
  close(fd);
  if (!strcmp(how, "chmod")) return chmod(path, 0755);
  if (!strcmp(how, "fchmodat2")) return syscall(CHMODAT2, AT_FDCWD, path, 0755, 0);
  if (!strcmp(how, "acl")) return setxattr(path, acl_name, &acl, sizeof acl, 0);
  if (!strcmp(how, "other_name")) {
    fd = open(path, O_RDONLY);
    return rename(path, other) | link(other, path) | unlink(other) | fchmod(fd, 0755);
  }
  if (!strcmp(how, "ring_acl")) {
    return ring((struct io_uring_sqe){.opcode = IORING_OP_SETXATTR,
                                      .addr = (unsigned long)acl_name,
                                      .addr2 = (unsigned long)&acl,
                                      .len = sizeof acl,
                                      .addr3 = (unsigned long)path});
  }
  errno = EINVAL;
  return -1;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  int done = make(arguments[1], arguments[2]);
  if (done < 0) {
    fprintf(stderr, "%s: %s\n", arguments[1], strerror(done == -1 ? errno : -done));
    return 1;
  }
  usleep(300000);  // who did it can only be asked of a process that is still there
  return 0;
}
