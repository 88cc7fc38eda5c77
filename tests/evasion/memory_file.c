// The payload is in no file system, only in an anonymous memory file.
// usage: memory_file NAME fd|proc|sealed
#include "evasion.h"
extern char **environ;
int main(int argc, char **argv) {
  if (argc != 3) return BROKEN;
  const int sealed = strcmp(argv[2], "sealed") == 0;
  int fd = noted(memfd_create(argv[1], MFD_CLOEXEC | (sealed ? MFD_ALLOW_SEALING : 0)));
  if (fd < 0 && !refused) broken("memfd_create");
  write_payload(fd);
  if (sealed) fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  char *arguments[] = {"x", NULL}, path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  pid_t child = fork();
  if (child == 0) {
    if (strcmp(argv[2], "proc") == 0)
      execve(path, arguments, environ);
    else
      syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
    exec_failed();
  }
  return verdict(exited_as_payload(child));
}
