// The least that makes a container, for a guest that has no container runtime: namespaces of its own,
// and a root directory, which is a mount point.
// usage: launch ROOT COMMAND [ARGUMENT...]      exits as the command does
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int failed, const char *what) {
  if (!failed) return;
  perror(what);
  exit(125);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  must(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS), "unshare");
  pid_t child = fork();
  must(child < 0, "fork");
  if (child > 0) {
    int status = 0;
    must(waitpid(child, &status, 0) != child, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  must(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "mount /");
  must(chdir(argv[1]), argv[1]);
  must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH) || chdir("/"), "umount");
  must(mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
  must(mount("tmpfs", "/dev", "tmpfs", 0, "mode=755"), "mount /dev");
  must(mkdir("/dev/shm", 01777) || mount("shm", "/dev/shm", "tmpfs", MS_NOEXEC | MS_NOSUID, NULL), "/dev/shm");
  // As runtimes make it; without it TOMOYO fails the exec of a descriptor.
  must(symlink("/proc/self/fd", "/dev/fd"), "/dev/fd");
  execv(argv[2], argv + 2);
  must(1, argv[2]);
}
