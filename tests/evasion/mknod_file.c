// mknod makes an executable file without opening it.
#include "evasion.h"
int main(void) {
  umask(0);
  noted(mknod("x", S_IFREG | 0755, 0));
  drop("x", 0755);
  mknod("y", S_IFREG | 0644, 0);
  drop("y", 0644);
  noted(chmod("y", 0755));
  int ran = runs_payload("x");
  return verdict(ran | runs_payload("y"));
}
