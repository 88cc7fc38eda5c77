// A data file takes an image binary's name.
#include "evasion.h"
int main(void) {
  drop("/tmp/x", 0644);
  chmod("/tmp/x", 0755);
  if (rename("/tmp/x", VICTIM) < 0) perror("rename");
  return verdict(runs_payload(VICTIM));
}
