// Holds a write lease on a file of its own and does not give it up, while another process opens the
// file. Usage: lease_holder FILE SECONDS. Prints "opening" when the open is under way.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const unsigned seconds = (unsigned)atoi(argv[2]);
  signal(SIGIO, SIG_IGN);  // "give it up"
  int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
  if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
    perror("lease");
    return 1;
  }
  pid_t child = fork();
  if (child == 0) {
    puts("opening");
    fflush(stdout);
    _exit(open(argv[1], O_RDONLY) < 0);
  }
  sleep(seconds);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}
