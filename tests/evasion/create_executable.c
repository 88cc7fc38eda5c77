// The file is executable from its creation on.
#include "evasion.h"
int main(void) {
  umask(0);
  drop("/tmp/x", 0777);
  drop("/tmp/x", 0777);  // again, over what a refusal may have left
  return verdict(runs_payload("/tmp/x"));
}
