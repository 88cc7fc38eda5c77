// A file that never has a name is run by its descriptor.
#include "evasion.h"
extern char **environ;
int main(void) {
  int fd = noted(open(".", O_TMPFILE | O_WRONLY, 0755));
  if (fd < 0 && !refused) broken("O_TMPFILE");
  write_payload(fd);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  // As long as it is open for writing it cannot be run.
  int to_run = noted(open(path, O_RDONLY));
  close(fd);
  pid_t child = fork();
  if (child == 0) {
    char *arguments[] = {"x", NULL};
    syscall(SYS_execveat, to_run, "", arguments, environ, AT_EMPTY_PATH);
    exec_failed();
  }
  return verdict(exited_as_payload(child));
}
