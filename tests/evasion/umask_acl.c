// The umask forbids every bit, but a directory with a default ACL does not ask it: the file is
// executable from its creation on.
#include <sys/xattr.h>

#include "evasion.h"
int main(void) {
  static const struct {
    unsigned version;
    struct {
      unsigned short tag, perm;
      unsigned id;
    } entries[3];
  } acl = {2, {{1, 7, -1U}, {4, 5, -1U}, {32, 5, -1U}}};
  mkdir("d", 0755);
  if (setxattr("d", "system.posix_acl_default", &acl, sizeof acl, 0) < 0) broken("setxattr");
  umask(0777);
  drop("d/x", 0777);
  return verdict(runs_payload("d/x"));
}
