// The file is opened by handle: no path is given, in a file system that has handles (tmpfs).
#include "evasion.h"
int main(void) {
  struct {
    struct file_handle head;
    unsigned char bytes[MAX_HANDLE_SZ];
  } handle = {.head.handle_bytes = MAX_HANDLE_SZ};
  int mount_id, here = open(".", O_RDONLY | O_DIRECTORY);
  close(creat("x", 0644));
  if (name_to_handle_at(AT_FDCWD, "x", &handle.head, &mount_id, 0) < 0) broken("name_to_handle_at");
  noted(chmod("x", 0755));
  int fd = noted(open_by_handle_at(here, &handle.head, O_WRONLY));
  if (fd < 0 && !refused) broken("open_by_handle_at");
  write_payload(fd);
  if (fd >= 0) close(fd);
  return verdict(runs_payload("x"));
}
