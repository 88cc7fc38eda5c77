// A mount that did not exist before is run from at once.
// usage: mount_fresh tmpfs|ramfs|overlay|detached|remount|setattr [userns]
//   userns: in a user and mount namespace of its own; detached: a tmpfs that is mounted nowhere;
//   remount, setattr: /dev/shm without noexec, by mount(2) or mount_setattr(2)
#include <sys/mount.h>

#include "namespace.h"
static void enter_detached(void) {
  int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) broken("fsopen");
  int detached = attempted(fsmount(context, FSMOUNT_CLOEXEC, 0), "fsmount");
  if (detached >= 0 && fchdir(detached) < 0) broken("fchdir");
}

static void mount_kind(const char *kind) {
  if (strcmp(kind, "overlay") != 0) {
    attempted(mount(kind, "m", kind, 0, NULL), "mount");
    return;
  }
  // An upper layer must be on something that is no overlay itself.
  attempted(mount("tmpfs", "m", "tmpfs", 0, NULL), "mount");
  if (mkdir("m/lower", 0755) | mkdir("m/upper", 0755) | mkdir("m/work", 0755)) broken("mkdir");
  attempted(mount("overlay", "m", "overlay", 0, "lowerdir=m/lower,upperdir=m/upper,workdir=m/work"),
            "mount overlay");
}

int main(int argc, char **argv) {
  if (argc < 2) return BROKEN;
  payload_size();
  if (argc > 2) enter_user_namespace();
  if (strcmp(argv[1], "remount") == 0) {
    attempted(mount(NULL, "/dev/shm", NULL, MS_REMOUNT | MS_BIND, NULL), "remount");
  } else if (strcmp(argv[1], "setattr") == 0) {
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_NOEXEC};
    attempted(syscall(SYS_mount_setattr, AT_FDCWD, "/dev/shm", 0, &attributes, sizeof attributes),
              "mount_setattr");
  } else if (strcmp(argv[1], "detached") == 0) {
    enter_detached();
  } else {
    mkdir("m", 0755);
    mount_kind(argv[1]);
    if (chdir("m") < 0) broken("chdir");
  }
  // Names of their own: newer kernels tell a file's path below the inner overlay's upper directory.
  const int overlay = strcmp(argv[1], "overlay") == 0;
  const char *late = overlay ? "inner-late" : "late", *early = overlay ? "inner-early" : "early";
  drop_late(late);
  const int late_runs = runs_payload(late);
  drop(early, 0755);
  return verdict(late_runs | runs_payload(early));
}
