// LD_PRELOAD for holdfast: a kernel that lacks what HOLDFAST_LACKS names (words between spaces), so that
// the ways around it are tried on a kernel that has it. Other programs are left alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int lacks(const char *feature) {
  const char *list = getenv("HOLDFAST_LACKS");
  if (!list || strncmp(program_invocation_short_name, "holdfast", 8) != 0) return 0;
  const size_t length = strlen(feature);
  for (const char *at = list; (at = strstr(at, feature)); at += length)
    if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == 0)) return 1;
  return 0;
}

static int fails(int error) {
  errno = error;
  return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fanotify_init(unsigned flags, unsigned event_flags) {
  if (lacks("names") && (flags & FAN_REPORT_NAME)) return fails(EINVAL);  // 5.9
  return REAL(fanotify_init)(flags, event_flags);
}

int fanotify_mark(int group, unsigned flags, uint64_t mask, int directory, const char *path) {
  if (lacks("permission_events") && (mask & (FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM))) return fails(EINVAL);
  if (lacks("answers") && (mask & FAN_ATTRIB)) pause();  // a filesystem whose server is gone
  if (lacks("file_handles") && (mask & FAN_ATTRIB)) return fails(ENODEV);  // tmpfs before 6.1
  return REAL(fanotify_mark)(group, flags, mask, directory, path);
}

int statx(int directory, const char *path, int flags, unsigned mask, struct statx *file) {
  const int result = REAL(statx)(directory, path, flags, mask, file);
  if (result == 0 && lacks("birth_time")) {  // tmpfs before 6.0
    file->stx_mask &= ~STATX_BTIME;
    memset(&file->stx_btime, 0, sizeof file->stx_btime);
  }
  return result;
}

int memfd_create(const char *name, unsigned flags) {
  if (lacks("noexec_seal") && (flags & 0x18)) return fails(EINVAL);  // MFD_NOEXEC_SEAL, MFD_EXEC: 6.3
  if (lacks("huge_pages") && (flags & MFD_HUGETLB)) return fails(EINVAL);  // CONFIG_HUGETLBFS
  return REAL(memfd_create)(name, flags);
}

int socket(int family, int type, int protocol) {
  if (lacks("exec_events") && family == AF_NETLINK && protocol == NETLINK_CONNECTOR) return fails(EPROTONOSUPPORT);
  return REAL(socket)(family, type, protocol);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (request == SECCOMP_IOCTL_NOTIF_ADDFD) {
    const struct seccomp_notif_addfd *wanted = argument;
    if (lacks("addfd")) return fails(EINVAL);  // 5.9
    if (lacks("addfd_send") && (wanted->flags & SECCOMP_ADDFD_FLAG_SEND)) return fails(EINVAL);  // 5.14
  }
  if (request == SECCOMP_IOCTL_NOTIF_SEND) {
    const struct seccomp_notif_resp *response = argument;
    if (lacks("continue") && (response->flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE)) return fails(EINVAL);  // 5.5
  }
  return REAL(ioctl)(fd, request, argument);
}

static int fcntl_of(const char *name, int fd, int command, void *argument) {
  if (lacks("lease") && command == F_SETLEASE) return fails(EINVAL);
  return ((int (*)(int, int, ...))dlsym(RTLD_NEXT, name))(fd, command, argument);
}
#define FCNTL(name)                               \
  int name(int fd, int command, ...) {            \
    va_list arguments;                            \
    va_start(arguments, command);                 \
    void *argument = va_arg(arguments, void *);   \
    va_end(arguments);                            \
    return fcntl_of(#name, fd, command, argument); \
  }
FCNTL(fcntl64)

long syscall(long number, ...) {
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(arguments, long);
  va_end(arguments);
  if (lacks("pidfd") && (number == SYS_pidfd_open || number == SYS_pidfd_send_signal)) return fails(ENOSYS);  // 5.3, 5.1
  if (lacks("openat2") && number == SYS_openat2) return fails(ENOSYS);  // 5.6
  return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
