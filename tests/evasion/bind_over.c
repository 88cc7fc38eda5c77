// A drifted file is mounted over an image binary.
#include <sys/mount.h>

#include "evasion.h"
int main(void) {
  drop_late("x");
  if (mount("x", VICTIM, NULL, MS_BIND, NULL) < 0) broken("mount");
  int ran = runs_payload(VICTIM);
  umount2(VICTIM, MNT_DETACH);
  return verdict(ran);
}
