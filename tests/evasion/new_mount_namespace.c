// A file of this directory is run in a mount namespace that did not exist before.
// usage: new_mount_namespace [userns]
#include <sched.h>

#include "evasion.h"
int main(int argc, char **argv) {
  (void)argv;
  drop_late("x");
  attempted(unshare(CLONE_NEWNS | (argc > 1 ? CLONE_NEWUSER : 0)), "unshare");
  drop_late("y");
  int ran = runs_payload("x");
  return verdict(ran | runs_payload("y"));
}
