// A data file takes an image binary's name.
// usage: rename_over [io_uring]   (io_uring: no rename is called)
#include "ring.h"
int main(int argc, char **argv) {
  (void)argv;
  drop_late("x");
  long result = -1;
  if (argc == 1) {
    result = rename("x", VICTIM);
  } else {
    ring_start("inline");
    result = ring_call((struct io_uring_sqe){.opcode = IORING_OP_RENAMEAT,
                                             .fd = AT_FDCWD,
                                             .addr = (unsigned long)"x",
                                             .len = AT_FDCWD,
                                             .addr2 = (unsigned long)VICTIM});
  }
  if (noted(result) < 0) perror("rename");
  return verdict(runs_payload(VICTIM));
}
