// The store goes through a shared mapping whose descriptor is closed: no write access is to be seen
// any more. Once on a new file, once on an image binary that has just been run and found good.
#include "evasion.h"
static char *map(const char *path) {
  size_t size = payload_size();
  int fd = noted(open(path, O_RDWR | O_CREAT, 0644));
  if (fd < 0) return NULL;
  if (ftruncate(fd, size) < 0) perror("ftruncate");
  char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return p == MAP_FAILED ? NULL : p;
}
static int attempt(const char *path) {
  chmod(path, 0644);
  char *p = map(path);
  noted(chmod(path, 0755));
  int ran = runs_payload(path);
  if (p) memcpy(p, payload_bytes, payload_size());
  return ran | runs_payload(path);
}
int main(void) {
  runs_payload(VICTIM);
  int changed = attempt(VICTIM);
  int created = attempt("x");
  return verdict(changed | created);
}
