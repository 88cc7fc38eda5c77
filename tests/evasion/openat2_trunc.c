// openat2 hides its flags behind a pointer: a read-only open that truncates an image binary, which
// is then filled again.
#include <linux/openat2.h>

#include "evasion.h"
int main(void) {
  payload_size();
  struct open_how how = {.flags = O_RDONLY | O_TRUNC};
  int fd = noted(syscall(SYS_openat2, AT_FDCWD, VICTIM, &how, sizeof how));
  if (fd >= 0) close(fd);
  how.flags = O_WRONLY;
  fd = noted(syscall(SYS_openat2, AT_FDCWD, VICTIM, &how, sizeof how));
  write_payload(fd);
  if (fd >= 0) close(fd);
  return verdict(runs_payload(VICTIM));
}
