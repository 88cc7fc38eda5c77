// A drifted file under a second name, in a directory of the image.
#include "evasion.h"
int main(void) {
  drop("/tmp/x", 0644);
  chmod("/tmp/x", 0755);
  if (link("/tmp/x", "/bin/y") < 0) perror("link");
  int ran = runs_payload("/bin/y");
  unlink("/tmp/x");
  return verdict(ran | runs_payload("/bin/y"));
}
