// The plain way: a data file is written, then made executable.
#include "evasion.h"
int main(void) {
  drop("x", 0644);
  noted(chmod("x", 0755));
  return verdict(runs_payload("x"));
}
