// openat2 hides its flags behind a pointer: a file that is executable from its creation on.
#include <linux/openat2.h>

#include "evasion.h"
int main(void) {
  struct open_how how = {.flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0755};
  int fd = noted(syscall(SYS_openat2, AT_FDCWD, "x", &how, sizeof how));
  write_payload(fd);
  if (fd >= 0) close(fd);
  return verdict(runs_payload("x"));
}
