// The file is executable by the time io_uring writes it, through a descriptor from before.
#include "ring.h"
int main(void) {
  ring_start("inline");
  int fd = noted(open("x", O_WRONLY | O_CREAT, 0644));
  noted(chmod("x", 0755));
  size_t done = 0;
  while (fd >= 0 && done < payload_size()) {
    long n = ring_call((struct io_uring_sqe){.opcode = IORING_OP_WRITE,
                                             .fd = fd,
                                             .addr = (unsigned long)(payload_bytes + done),
                                             .len = payload_size() - done,
                                             .off = done});
    if (attempted(n, "io_uring write") <= 0) break;
    done += n;
  }
  close(fd);
  return verdict(runs_payload("x"));
}
