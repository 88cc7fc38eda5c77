// O_RDONLY|O_TRUNC asks for no write access, yet empties the file; the rest is written as data.
#include "evasion.h"
int main(void) {
  payload_size();
  int fd = noted(open(VICTIM, O_RDONLY | O_TRUNC));
  if (fd >= 0) close(fd);
  chmod(VICTIM, 0644);
  drop(VICTIM, 0644);
  noted(chmod(VICTIM, 0755));
  return verdict(runs_payload(VICTIM));
}
