// The plain way: a data file is written, then made executable.
#include "evasion.h"
int main(void) {
  drop("/tmp/x", 0644);
  chmod("/tmp/x", 0755);
  return verdict(runs_payload("/tmp/x"));
}
