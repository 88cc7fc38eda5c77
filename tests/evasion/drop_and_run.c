// Both plain ways: a file that is executable from its creation on, and one that becomes so.
#include "evasion.h"
int main(void) {
  drop("early", 0755);
  drop_late("late");
  int early = runs_payload("early");
  return verdict(early | runs_payload("late"));
}
