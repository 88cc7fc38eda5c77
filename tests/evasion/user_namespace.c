// A user and mount namespace of its own: same files, other mounts, other ids.
#include <sched.h>

#include "evasion.h"
int main(void) {
  drop("x", 0644);
  chmod("x", 0755);
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) broken("unshare");
  drop("y", 0644);
  chmod("y", 0755);
  int ran = runs_payload("x");
  return verdict(ran | runs_payload("y"));
}
