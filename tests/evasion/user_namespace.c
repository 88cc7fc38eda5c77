// A user and mount namespace of its own: same files, other mounts, other ids.
#include <sched.h>

#include "evasion.h"
int main(void) {
  drop("/tmp/x", 0644);
  chmod("/tmp/x", 0755);
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
    perror("unshare");
    return BROKEN;
  }
  drop("/tmp/y", 0644);
  chmod("/tmp/y", 0755);
  int ran = runs_payload("/tmp/x");
  return verdict(ran | runs_payload("/tmp/y"));
}
