// A data file runs through a handler of binfmt_misc that is registered in a user namespace
// (Linux 6.7 and later have one for each): the handler is the drifted program.
#include <sys/mount.h>

#include "namespace.h"
int main(void) {
  char here[256], rule[400];
  drop_late("x");
  int data = open("data.drifted", O_WRONLY | O_CREAT, 0644);
  if (data >= 0 && write(data, "data", 4) != 4) broken("data.drifted");
  close(data);
  noted(chmod("data.drifted", 0755));
  enter_user_namespace();
  mkdir("misc", 0755);
  if (attempted(mount("binfmt_misc", "misc", "binfmt_misc", 0, NULL), "mount") < 0)
    return verdict(runs_payload("data.drifted"));
  // F: the handler is opened now, which is when it can be refused.
  snprintf(rule, sizeof rule, ":drifted:E::drifted::%s/x:F", getcwd(here, sizeof here));
  int fd = open("misc/register", O_WRONLY);
  if (fd < 0) broken("misc/register");
  if (noted(write(fd, rule, strlen(rule))) < 0 && !refused) broken("register");
  close(fd);
  return verdict(runs_payload("data.drifted"));
}
