// A file without a name is written, made executable and only then given a name.
#include "evasion.h"
static int attempt(mode_t mode, const char *name) {
  char path[64];
  int fd = noted(open(".", O_TMPFILE | O_RDWR, mode));
  if (fd < 0) return 0;
  write_payload(fd);
  noted(fchmod(fd, 0755));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
  close(fd);
  return runs_payload(name);
}
int main(void) {
  int late = attempt(0600, "late");
  int early = attempt(0755, "early");
  return verdict(late | early);
}
