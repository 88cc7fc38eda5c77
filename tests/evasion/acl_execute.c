// An access ACL gives the x bits; no chmod is made.
#include <sys/xattr.h>

#include "evasion.h"
int main(void) {
  // struct posix_acl_xattr_header, then owner rwx, group r-x, others r-x.
  static const struct {
    unsigned version;
    struct {
      unsigned short tag, perm;
      unsigned id;
    } entries[3];
  } acl = {2, {{1, 7, -1U}, {4, 5, -1U}, {32, 5, -1U}}};
  drop("/tmp/x", 0644);
  if (setxattr("/tmp/x", "system.posix_acl_access", &acl, sizeof acl, 0) < 0) perror("setxattr");
  return verdict(runs_payload("/tmp/x"));
}
