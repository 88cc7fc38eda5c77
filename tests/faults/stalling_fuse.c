// A read-only FUSE filesystem that shows a directory and stops answering on command: over raw
// /dev/fuse, one thread, no library. SIGUSR1: requests of the kinds named are put aside. SIGUSR2:
// they are answered, and so are all others. Ended: the kernel fails what waits.
// usage: stalling_fuse SOURCE MOUNTPOINT KINDS   KINDS: letters of r (READ), o (OPEN), m (LOOKUP,
//        GETATTR and other metadata); in capitals it begins stalled
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_NODES = 4096, MOST_STALLED = 1024, BUFFER = 1 << 18, CACHED_S = 3600 };

static char *paths[MOST_NODES] = {0, "."};  // by node id; 1 is the root
static unsigned nodes = 2;
static int device, source;
static char *stalled[MOST_STALLED];
static unsigned stalled_count;

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t size) {
  static char out[BUFFER];
  struct fuse_out_header *header = (struct fuse_out_header *)out;
  header->len = sizeof *header + size;
  header->error = -error;
  header->unique = in->unique;
  memcpy(out + sizeof *header, data, size);
  // A request whose caller was killed meanwhile is gone.
  if (write(device, out, header->len) < 0 && errno != ENOENT) perror("stalling_fuse: write");
}

static unsigned node_of(const char *path) {
  for (unsigned i = 1; i < nodes; ++i)
    if (strcmp(paths[i], path) == 0) return i;
  if (nodes == MOST_NODES) return 0;
  paths[nodes] = strdup(path);
  return nodes++;
}

static int attributes(const char *path, struct fuse_attr *attr) {
  struct stat file;
  if (fstatat(source, path, &file, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  memset(attr, 0, sizeof *attr);
  attr->ino = file.st_ino;
  attr->size = file.st_size;
  attr->blocks = file.st_blocks;
  attr->mtime = attr->ctime = attr->atime = file.st_mtime;
  attr->mode = file.st_mode;
  attr->nlink = file.st_nlink;
  attr->uid = file.st_uid;
  attr->gid = file.st_gid;
  attr->blksize = 4096;
  return 0;
}

static void look_up(const struct fuse_in_header *in, const char *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", paths[in->nodeid], name);
  struct fuse_entry_out entry = {.entry_valid = CACHED_S, .attr_valid = CACHED_S};
  const int error = attributes(path, &entry.attr);
  if (error == 0) entry.nodeid = node_of(path);
  reply(in, error, &entry, error == 0 ? sizeof entry : 0);
}

static void get_attributes(const struct fuse_in_header *in) {
  struct fuse_attr_out out = {.attr_valid = CACHED_S};
  const int error = attributes(paths[in->nodeid], &out.attr);
  reply(in, error, &out, error == 0 ? sizeof out : 0);
}

static void read_file(const struct fuse_in_header *in, const struct fuse_read_in *read_in) {
  static char data[BUFFER / 2];
  const int file = openat(source, paths[in->nodeid], O_RDONLY | O_NOFOLLOW);
  const ssize_t length =
      pread(file, data, read_in->size < sizeof data ? read_in->size : sizeof data, read_in->offset);
  const int error = length < 0 ? errno : 0;
  close(file);
  reply(in, error, data, length > 0 ? length : 0);
}

static void read_directory(const struct fuse_in_header *in, const struct fuse_read_in *read_in) {
  static char data[BUFFER / 2];
  size_t size = 0;
  DIR *directory = fdopendir(openat(source, paths[in->nodeid], O_RDONLY | O_DIRECTORY));
  if (directory == NULL) {
    reply(in, errno, NULL, 0);
    return;
  }
  struct dirent *item;
  for (unsigned long place = 1; (item = readdir(directory)) != NULL; ++place) {
    if (place <= read_in->offset) continue;
    struct fuse_dirent *out = (struct fuse_dirent *)(data + size);
    const size_t length = strlen(item->d_name), entry = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + length);
    if (size + entry > read_in->size) break;
    out->ino = item->d_ino;
    out->off = place;
    out->namelen = length;
    out->type = item->d_type;
    memcpy(out->name, item->d_name, length);
    size += entry;
  }
  closedir(directory);
  reply(in, 0, data, size);
}

static void read_link(const struct fuse_in_header *in) {
  char target[PATH_MAX];
  const ssize_t length = readlinkat(source, paths[in->nodeid], target, sizeof target);
  reply(in, length < 0 ? errno : 0, target, length > 0 ? length : 0);
}

static void answer(char *request) {
  const struct fuse_in_header *in = (const struct fuse_in_header *)request;
  const void *arguments = request + sizeof *in;
  switch (in->opcode) {
    case FUSE_INIT: {
      const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
                                         .minor = FUSE_KERNEL_MINOR_VERSION,
                                         .max_readahead = 65536,
                                         .max_write = 65536};
      reply(in, 0, &init, sizeof init);
      break;
    }
    case FUSE_LOOKUP:
      look_up(in, arguments);
      break;
    case FUSE_GETATTR:
      get_attributes(in);
      break;
    case FUSE_READLINK:
      read_link(in);
      break;
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
      const struct fuse_open_out opened = {0};
      reply(in, 0, &opened, sizeof opened);
      break;
    }
    case FUSE_READ:
      read_file(in, arguments);
      break;
    case FUSE_READDIR:
      read_directory(in, arguments);
      break;
    case FUSE_STATFS: {
      const struct fuse_statfs_out statfs = {.st = {.bsize = 4096, .namelen = 255}};
      reply(in, 0, &statfs, sizeof statfs);
      break;
    }
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_FLUSH:
    case FUSE_ACCESS:
      reply(in, 0, NULL, 0);
      break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      break;  // not answered
    default:
      reply(in, ENOSYS, NULL, 0);
  }
}

static char kind(unsigned opcode) {
  switch (opcode) {
    case FUSE_READ:
      return 'r';
    case FUSE_OPEN:
      return 'o';
    case FUSE_LOOKUP:
    case FUSE_GETATTR:
    case FUSE_READLINK:
    case FUSE_OPENDIR:
    case FUSE_READDIR:
      return 'm';
    default:
      return 0;
  }
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: stalling_fuse SOURCE MOUNTPOINT KINDS\n");
    return 2;
  }
  int stalls = isupper((unsigned char)argv[3][0]) != 0;
  for (char *letter = argv[3]; *letter; ++letter) *letter = tolower((unsigned char)*letter);
  source = open(argv[1], O_RDONLY | O_DIRECTORY);
  device = open("/dev/fuse", O_RDWR);
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", device);
  if (source < 0 || device < 0 || mount("stalling", argv[2], "fuse", MS_NODEV, options) != 0) {
    perror("stalling_fuse: mount");
    return 1;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGUSR2);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  struct pollfd waiting[2] = {{device, POLLIN, 0}, {signalfd(-1, &signals, 0), POLLIN, 0}};
  puts("mounted");
  fflush(stdout);
  static char request[BUFFER];
  while (poll(waiting, 2, -1) > 0) {
    if (waiting[1].revents) {
      struct signalfd_siginfo info;
      if (read(waiting[1].fd, &info, sizeof info) != sizeof info) return 1;
      stalls = info.ssi_signo == SIGUSR1;
      while (!stalls && stalled_count > 0) {
        answer(stalled[--stalled_count]);
        free(stalled[stalled_count]);
      }
    }
    if (!waiting[0].revents) continue;
    const ssize_t length = read(device, request, sizeof request);
    if (length < 0 && (errno == EINTR || errno == ENOENT)) continue;
    if (length <= 0) return 0;  // unmounted
    const char letter = kind(((struct fuse_in_header *)request)->opcode);
    if (stalls && letter && strchr(argv[3], letter) && stalled_count < MOST_STALLED)
      stalled[stalled_count++] = memcpy(malloc(length), request, length);
    else
      answer(request);
  }
  return 1;
}
