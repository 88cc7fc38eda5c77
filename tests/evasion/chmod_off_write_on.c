// An image binary loses its x bits, is written as data, and gets them back.
#include "evasion.h"
int main(void) {
  chmod(VICTIM, 0644);
  drop(VICTIM, 0644);
  noted(chmod(VICTIM, 0755));
  return verdict(runs_payload(VICTIM));
}
