// A user and mount namespace of its own: same files, other mounts, other ids.
#include <sched.h>

#include "evasion.h"
int main(void) {
  drop("x", 0644);
  noted(chmod("x", 0755));
  attempted(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
  drop("y", 0644);
  noted(chmod("y", 0755));
  int ran = runs_payload("x");
  return verdict(ran | runs_payload("y"));
}
