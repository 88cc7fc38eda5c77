// The file is executable from its creation on.
#include "evasion.h"
int main(void) {
  umask(0);
  drop("x", 0777);
  drop("x", 0777);  // again, over what a refusal may have left
  return verdict(runs_payload("x"));
}
