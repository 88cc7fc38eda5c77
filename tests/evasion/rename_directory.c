// A whole directory takes the place of one of the image, binary and all.
#include "evasion.h"
int main(void) {
  mkdir("/tmp/new", 0755);
  drop("/tmp/new/tool", 0644);
  chmod("/tmp/new/tool", 0755);
  // Renaming a directory of a lower layer gives EXDEV without redirect_dir; one of the upper goes.
  if (rename("/opt/dir", "/opt/old") < 0) {
    unlink("/opt/dir/tool");
    rmdir("/opt/dir");
  }
  if (rename("/tmp/new", "/opt/dir") < 0) perror("rename");
  return verdict(runs_payload("/opt/dir/tool"));
}
