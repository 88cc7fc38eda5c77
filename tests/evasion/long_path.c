// The file lies so deep that its path is longer than PATH_MAX: nobody can name it from the root.
#include "evasion.h"
enum { DEPTH = 30 };
int main(void) {
  char name[201];
  memset(name, 'd', sizeof name - 1);
  name[sizeof name - 1] = 0;
  for (int i = 0; i < DEPTH; i++) {
    mkdir(name, 0755);
    if (chdir(name) < 0) broken("chdir");
  }
  drop_late("x");
  return verdict(runs_payload("./x"));
}
