// The x bit is given by each of the system calls that can.
// usage: chmod_calls chmod|fchmod|fchmodat|fchmodat2
#include "evasion.h"
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
int main(int argc, char **argv) {
  const char *call = argc > 1 ? argv[1] : "chmod";
  int fd = open("x", O_WRONLY | O_CREAT, 0644);
  write_payload(fd);
  long result = -1;
  if (strcmp(call, "fchmod") == 0) {
    result = syscall(SYS_fchmod, fd, 0755);
  } else if (strcmp(call, "fchmodat") == 0) {
    result = syscall(SYS_fchmodat, AT_FDCWD, "x", 0755);
  } else if (strcmp(call, "fchmodat2") == 0) {
    result = syscall(SYS_fchmodat2, open("x", O_PATH), "", 0755, AT_EMPTY_PATH);
  } else {
    result = chmod("x", 0755);
  }
  if (noted(result) < 0) perror(call);
  close(fd);
  return verdict(runs_payload("x"));
}
