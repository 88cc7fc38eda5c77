// A drifted file under a second name, in a directory of the image.
#include "evasion.h"
int main(void) {
  drop("x", 0644);
  noted(chmod("x", 0755));
  char other[256];
  snprintf(other, sizeof other, "%s.link", VICTIM);
  if (noted(link("x", other)) < 0) perror("link");
  int ran = runs_payload(other);
  unlink("x");
  return verdict(ran | runs_payload(other));
}
