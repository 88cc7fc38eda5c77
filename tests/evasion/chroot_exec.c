// In a chroot the paths are others.
#include "evasion.h"
int main(void) {
  mkdir("jail", 0755);
  drop("jail/victim", 0644);
  noted(chmod("jail/victim", 0755));
  if (chroot("jail") < 0 || chdir("/") < 0) broken("chroot");
  return verdict(runs_payload("/victim"));
}
