// A drifted file and an image binary change places in one step.
#include "evasion.h"
int main(void) {
  drop_late("x");
  if (noted(renameat2(AT_FDCWD, "x", AT_FDCWD, VICTIM, RENAME_EXCHANGE)) < 0) perror("renameat2");
  return verdict(runs_payload(VICTIM));
}
