// What curl does: the bytes come from a socket, into a file that is then made executable.
#include <sys/socket.h>

#include "evasion.h"
int main(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) broken("socketpair");
  size_t size = payload_size();
  pid_t server = fork();
  if (server == 0) {
    for (size_t sent = 0; sent < size;) {
      ssize_t n = send(ends[1], payload_bytes + sent, size - sent, 0);
      if (n <= 0) _exit(1);
      sent += n;
    }
    _exit(0);
  }
  close(ends[1]);
  int fd = noted(open("x", O_WRONLY | O_CREAT | O_TRUNC, 0644));
  char buffer[16384];
  ssize_t n;
  while ((n = recv(ends[0], buffer, sizeof buffer, 0)) > 0)
    if (fd >= 0 && write(fd, buffer, n) != n) broken("write");
  if (fd >= 0) close(fd);
  waitpid(server, NULL, 0);
  noted(chmod("x", 0755));
  return verdict(runs_payload("x"));
}
