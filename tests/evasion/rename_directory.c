// A whole directory takes the place of one of the image, binary and all.
#include <libgen.h>

#include "evasion.h"
int main(void) {
  char image[256], old[300];
  snprintf(image, sizeof image, "%s", VICTIM);
  dirname(image);
  snprintf(old, sizeof old, "%s.old", image);
  mkdir("new", 0755);
  drop_late("new/tool");
  // Renaming a directory of a lower layer gives EXDEV without redirect_dir: then it is emptied.
  if (rename(image, old) < 0) {
    noted(unlink(VICTIM));
    if (getenv("SCRIPT")) unlink(getenv("SCRIPT"));
    rmdir(image);
  }
  if (noted(rename("new", image)) < 0) perror("rename");
  return verdict(runs_payload(VICTIM));
}
