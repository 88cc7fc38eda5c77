// The write goes through a descriptor from before the file was executable.
#include "evasion.h"
int main(void) {
  int fd = open("x", O_WRONLY | O_CREAT, 0644);
  noted(chmod("x", 0755));
  write_payload(fd);
  close(fd);
  return verdict(runs_payload("x"));
}
