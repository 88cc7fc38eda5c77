// An image binary is deleted and its name taken by another file.
#include "evasion.h"
int main(void) {
  payload_size();
  unlink(VICTIM);
  drop(VICTIM, 0644);
  noted(chmod(VICTIM, 0755));
  return verdict(runs_payload(VICTIM));
}
