// mknod makes an executable file without opening it.
#include "evasion.h"
int main(void) {
  umask(0);
  mknod("/tmp/x", S_IFREG | 0755, 0);
  drop("/tmp/x", 0755);
  mknod("/tmp/y", S_IFREG | 0644, 0);
  drop("/tmp/y", 0644);
  chmod("/tmp/y", 0755);
  int ran = runs_payload("/tmp/x");
  return verdict(ran | runs_payload("/tmp/y"));
}
