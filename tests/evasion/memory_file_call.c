// A memory file that is made behind the back of whoever asks about memfd_create(2).
// usage: memory_file_call NAME i386|filter|traced
//   i386: by a 32-bit call; filter: the caller has put a filter of its own above, which asks a
//   listener of its own; traced: a tracer turns another call into this one
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "evasion.h"
extern char **environ;

static int run_memory_file(int fd) {
  if (noted(fd) < 0 && !refused) broken("memfd_create");
  write_payload(fd);
  pid_t child = fork();
  if (child == 0) {
    char *arguments[] = {"x", NULL};
    syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
    exec_failed();
  }
  return exited_as_payload(child);
}

// Lets everything happen that it is asked about.
static void *let_happen(void *listener) {
  struct seccomp_notif asked;
  while (memset(&asked, 0, sizeof asked),
         ioctl(*(int *)listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) == 0) {
    struct seccomp_notif_resp answer = {.id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    ioctl(*(int *)listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
  return NULL;
}

static int under_own_filter(const char *name) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {sizeof code / sizeof *code, code};
  static int listener;
  pthread_t thread;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  listener =
      (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  // EBUSY: there is one already.
  if (listener < 0 && errno != EBUSY) broken("seccomp");
  if (listener >= 0 && pthread_create(&thread, NULL, let_happen, &listener) != 0) broken("thread");
  return memfd_create(name, 0);
}

#ifdef __x86_64__
static int by_32_bit_call(const char *name) {
  enum { I386_MEMFD_CREATE = 356 };
  // Its pointers are short.
  char *low =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) broken("mmap");
  strncpy(low, name, 4095);
  long result = I386_MEMFD_CREATE;
  __asm__ volatile("int $0x80" : "+a"(result) : "b"(low), "c"(0L) : "memory");
  if (result >= 0) return (int)result;
  errno = (int)-result;
  return -1;
}

// The tracee stops before getppid(2) is looked at by any filter, and goes on with another call.
static int turned_by_tracer(const char *name) {
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    _exit(run_memory_file((int)syscall(SYS_getppid, name, 0L)) ? RAN : refused ? HELD : BROKEN);
  }
  struct user_regs_struct registers;
  int status = 0, turned = 0;
  if (waitpid(child, &status, 0) != child ||
      ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD) < 0)
    broken("ptrace");
  while (!turned) {
    if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) < 0 || waitpid(child, &status, 0) != child ||
        WIFEXITED(status))
      broken("tracee");
    if (ptrace(PTRACE_GETREGS, child, NULL, &registers) < 0) broken("registers");
    turned = registers.orig_rax == SYS_getppid;
  }
  registers.orig_rax = SYS_memfd_create;
  if (ptrace(PTRACE_SETREGS, child, NULL, &registers) < 0) broken("registers");
  ptrace(PTRACE_DETACH, child, NULL, NULL);
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) broken("tracee");
  return WEXITSTATUS(status);
}
#else
static int by_32_bit_call(const char *name) {
  broken(name);
  return -1;
}
static int turned_by_tracer(const char *name) { return by_32_bit_call(name); }
#endif

int main(int argc, char **argv) {
  if (argc != 3) return BROKEN;
  if (strcmp(argv[2], "traced") == 0) return turned_by_tracer(argv[1]);
  const int filtered = strcmp(argv[2], "filter") == 0;
  return verdict(run_memory_file(filtered ? under_own_filter(argv[1]) : by_32_bit_call(argv[1])));
}
