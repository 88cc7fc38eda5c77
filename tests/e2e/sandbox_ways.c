// The calls by which a process makes mounts, namespaces and rings of its own, each with arguments that
// need no preparation: what counts is who answers.
// usage: sandbox_ways HOW   exit 0: the kernel took the call up (done, or an error of its own, which is
//                           printed); 42: EPERM; 38: ENOSYS
//        HOW: mount, move_mount, fsmount, unshare_mount, unshare_user, clone_mount, clone_user, clone3,
//             io_uring; and what is asked about by no rule: unshare_other, fork, thread
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_fsmount
#define SYS_fsmount 432
#endif
enum { TAKEN_UP = 0, HELD = 42, UNKNOWN = 38, BROKEN = 1 };

static void *nothing(void *unused) { return unused; }

// fork(2) by way of clone(2), which glibc may make clone3 of.
static long child_of(long flags) {
  const long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
  if (child == 0) _exit(0);
  if (child > 0) waitpid(child, NULL, 0);
  return child;
}

int main(int argc, char **argv) {
  if (argc != 2) return BROKEN;
  const char *how = argv[1];
  long done;
  errno = 0;
  if (strcmp(how, "mount") == 0) {
    done = mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
  } else if (strcmp(how, "move_mount") == 0) {
    done = syscall(SYS_move_mount, -1, "", -1, "/nowhere", 0);  // EBADF, ENOENT
  } else if (strcmp(how, "fsmount") == 0) {
    done = syscall(SYS_fsmount, -1, 0, 0);  // EBADF
  } else if (strcmp(how, "unshare_mount") == 0) {
    done = unshare(CLONE_NEWNS);
  } else if (strcmp(how, "unshare_user") == 0) {
    done = unshare(CLONE_NEWUSER);
  } else if (strcmp(how, "unshare_other") == 0) {
    done = unshare(CLONE_NEWUTS | CLONE_FILES);
  } else if (strcmp(how, "clone_mount") == 0) {
    done = child_of(CLONE_NEWNS);
  } else if (strcmp(how, "clone_user") == 0) {
    done = child_of(CLONE_NEWUSER);
  } else if (strcmp(how, "fork") == 0) {
    done = child_of(0);
  } else if (strcmp(how, "clone3") == 0) {
    struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    done = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (done == 0) _exit(0);
    if (done > 0) waitpid(done, NULL, 0);
  } else if (strcmp(how, "io_uring") == 0) {
    char parameters[256] = {0};
    done = syscall(SYS_io_uring_setup, 1, parameters);
  } else if (strcmp(how, "thread") == 0) {
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    done = errno ? -1 : 0;
    if (!errno) pthread_join(thread, NULL);
  } else {
    return BROKEN;
  }
  const int error = done < 0 ? errno : 0;
  if (error) printf("%s: %s\n", how, strerror(error));
  return error == EPERM ? HELD : error == ENOSYS ? UNKNOWN : TAKEN_UP;
}
