// In a chroot the paths are others.
#include "evasion.h"
int main(void) {
  mkdir("/tmp/jail", 0755);
  drop("/tmp/jail/victim", 0644);
  chmod("/tmp/jail/victim", 0755);
  if (chroot("/tmp/jail") < 0 || chdir("/") < 0) {
    perror("chroot");
    return BROKEN;
  }
  return verdict(runs_payload("/victim"));
}
