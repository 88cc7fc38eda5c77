// The least that a seccomp agent can do: takes each listener from the socket PATH and lets every call
// happen. What bench/seccomp compares holdfast's agent with.
// usage: trivial_agent PATH
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST = 256 };

// The listener of one connection: runtimes send the state at once, its text is of no interest.
static int listener_of(int peer) {
  static char state[1 << 20];
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {state, sizeof state};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = sizeof control};
  int fd = -1;
  if (recvmsg(peer, &message, 0) > 0 && CMSG_FIRSTHDR(&message))
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  close(peer);
  return fd;
}

int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  strcpy(address.sun_path, argv[1]);
  static struct pollfd waiting[MOST];
  int count = 1;
  waiting[0] = (struct pollfd){socket(AF_UNIX, SOCK_STREAM, 0), POLLIN, 0};
  if (bind(waiting[0].fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(waiting[0].fd, 64) < 0) {
    perror(argv[1]);
    return 2;
  }
  puts("listening");
  fflush(stdout);
  while (poll(waiting, count, -1) > 0) {
    for (int i = count - 1; i > 0; --i) {
      if (waiting[i].revents & POLLIN) {
        struct seccomp_notif call;
        memset(&call, 0, sizeof call);
        if (ioctl(waiting[i].fd, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0) {
          struct seccomp_notif_resp answer = {.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
          ioctl(waiting[i].fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
        }
      } else if (waiting[i].revents) {
        close(waiting[i].fd);
        waiting[i] = waiting[--count];
      }
    }
    if (waiting[0].revents & POLLIN) {
      int fd = listener_of(accept(waiting[0].fd, NULL, NULL));
      if (fd >= 0 && count < MOST) waiting[count++] = (struct pollfd){fd, POLLIN, 0};
    }
  }
  return 1;
}
