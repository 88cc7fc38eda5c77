// The opens are made by io_uring, which no system call of the opener's shows.
// usage: io_uring_open inline|async|sqpoll
#include "ring.h"

static void put(const char *path, int flags, mode_t mode) {
  int fd = noted(ring_call((struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
                                                 .fd = AT_FDCWD,
                                                 .addr = (unsigned long)path,
                                                 .open_flags = flags,
                                                 .len = mode}));
  write_payload(fd);
  if (fd >= 0) close(fd);
}

int main(int argc, char **argv) {
  ring_start(argc > 1 ? argv[1] : "inline");
  put("x", O_WRONLY | O_CREAT, 0755);
  put("y", O_WRONLY | O_CREAT, 0644);
  noted(chmod("y", 0755));
  put(VICTIM, O_WRONLY | O_TRUNC, 0);
  int ran = runs_payload("x") | runs_payload("y");
  return verdict(ran | runs_payload(VICTIM));
}
