// A drifted file is mounted over an image binary.
#include <sys/mount.h>

#include "evasion.h"
int main(void) {
  drop_late("x");
  const int mounted = attempted(mount("x", VICTIM, NULL, MS_BIND, NULL), "mount") == 0;
  int ran = runs_payload(VICTIM);
  if (mounted) umount2(VICTIM, MNT_DETACH);
  return verdict(ran);
}
