// Holds a write lease on a file of its own and does not give it up, while another process opens the
// file. Usage: lease_holder FILE SECONDS. Prints "opening" when the open is under way.
#include <errno.h>
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
  // The daemon's own descriptor of the file outlives its answer for a moment, and a write lease
  // needs to be alone with the file.
  int leased = -1;
  for (int tries = 0; fd >= 0 && tries < 1000; ++tries) {
    leased = fcntl(fd, F_SETLEASE, F_WRLCK);
    if (leased == 0 || errno != EAGAIN) break;
    usleep(1000);
  }
  if (leased != 0) {
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
