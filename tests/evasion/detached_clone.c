// A file of this directory is run through a copy of its mount that is mounted nowhere.
#include <sys/mount.h>

#include "evasion.h"
int main(void) {
  drop_late("x");
  const int copy =
      attempted(open_tree(AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), "open_tree");
  if (copy >= 0 && fchdir(copy) < 0) broken("fchdir");
  drop_late("y");
  int ran = runs_payload("x");
  return verdict(ran | runs_payload("y"));
}
