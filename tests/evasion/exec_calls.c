// The same drifted file, executed in each way there is.
// usage: exec_calls execve|execveat|fexecve|o_path|proc_self_fd|proc_1_root|posix_spawn|thread
#include <pthread.h>
#include <spawn.h>

#include "evasion.h"
extern char **environ;
static char *arguments[] = {"x", NULL};
static char path[600];

static void execute(const char *how) {
  char here[512];
  if (strcmp(how, "execveat") == 0) {
    syscall(SYS_execveat, open(".", O_RDONLY), "x", arguments, environ, 0);
  } else if (strcmp(how, "fexecve") == 0) {
    int fd = open("x", O_RDONLY);
    if (fd >= 0) fexecve(fd, arguments, environ);
  } else if (strcmp(how, "o_path") == 0) {
    syscall(SYS_execveat, open("x", O_PATH), "", arguments, environ, AT_EMPTY_PATH);
  } else if (strcmp(how, "proc_self_fd") == 0) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", open("x", O_PATH));
    execve(path, arguments, environ);
  } else if (strcmp(how, "proc_1_root") == 0) {
    snprintf(path, sizeof path, "/proc/1/root%s/x", getcwd(here, sizeof here));
    execve(path, arguments, environ);
  } else {
    execve("./x", arguments, environ);
  }
  exec_failed();
}

static void *execute_here(void *how) {
  execute(how);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 2) return BROKEN;
  drop_late("x");
  pid_t child = -1;
  if (strcmp(argv[1], "posix_spawn") == 0) {
    errno = posix_spawn(&child, "./x", NULL, NULL, arguments, environ);
    if (errno) noted(-1);
    return verdict(exited_as_payload(child));
  }
  child = fork();
  if (child == 0 && strcmp(argv[1], "thread") == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, execute_here, argv[1]);
    pthread_join(thread, NULL);
  }
  if (child == 0) execute(argv[1]);
  return verdict(exited_as_payload(child));
}
