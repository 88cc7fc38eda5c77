// A second name for an image binary: at that name no layer has an original, so that writing there,
// with the x bit off, changes the image binary too.
#include "evasion.h"
int main(void) {
  if (link(VICTIM, "alias") < 0) perror("link");
  chmod("alias", 0644);
  drop("alias", 0644);
  noted(chmod("alias", 0755));
  int ran = runs_payload("alias");
  return verdict(ran | runs_payload(VICTIM));
}
