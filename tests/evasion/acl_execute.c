// An access ACL gives the x bits; no chmod is made.
// usage: acl_execute [io_uring]   (io_uring: not even setxattr is called)
#include <sys/xattr.h>

#include "ring.h"
int main(int argc, char **argv) {
  (void)argv;
  // struct posix_acl_xattr_header, then owner rwx, group r-x, others r-x.
  static const struct {
    unsigned version;
    struct {
      unsigned short tag, perm;
      unsigned id;
    } entries[3];
  } acl = {2, {{1, 7, -1U}, {4, 5, -1U}, {32, 5, -1U}}};
  static const char name[] = "system.posix_acl_access";
  drop("x", 0644);
  if (argc == 1 && noted(setxattr("x", name, &acl, sizeof acl, 0)) < 0) perror("setxattr");
  if (argc > 1) {
    ring_start("inline");
    if (noted(ring_call((struct io_uring_sqe){.opcode = IORING_OP_SETXATTR,
                                              .addr = (unsigned long)name,
                                              .addr2 = (unsigned long)&acl,
                                              .addr3 = (unsigned long)"x",
                                              .len = sizeof acl})) < 0)
      perror("io_uring setxattr");
  }
  return verdict(runs_payload("x"));
}
