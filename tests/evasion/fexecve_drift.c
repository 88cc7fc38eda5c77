// The file is executed by descriptor, and its name is gone by then.
#include "evasion.h"
extern char **environ;
int main(void) {
  drop("x", 0644);
  int fd = noted(open("x", O_RDONLY));
  int handle = open("x", O_PATH);
  noted(fchmod(fd, 0755));
  unlink("x");
  char *arguments[] = {"x", NULL};
  int ran = 0;
  for (int i = 0; i < 2; i++) {
    pid_t child = fork();
    if (child == 0) {
      syscall(SYS_execveat, i ? handle : fd, "", arguments, environ, AT_EMPTY_PATH);
      exec_failed();
    }
    ran |= exited_as_payload(child);
  }
  return verdict(ran);
}
