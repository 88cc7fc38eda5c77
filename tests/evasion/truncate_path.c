// truncate(2) opens nothing, so nothing sees it; a writer then fills the empty image binary.
#include "evasion.h"
int main(void) {
  payload_size();
  if (truncate(VICTIM, 0) < 0) perror("truncate");
  drop(VICTIM, 0755);
  return verdict(runs_payload(VICTIM));
}
