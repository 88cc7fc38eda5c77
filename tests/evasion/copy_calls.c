// The kernel copies the bytes: no write is called. Once into a file that is executable from its
// creation on, once into one that becomes so afterwards.
// usage: copy_calls copy_file_range|splice|sendfile
#include <sys/sendfile.h>

#include "evasion.h"
static long copy(const char *call, int from, int to, size_t size) {
  if (strcmp(call, "copy_file_range") == 0) return copy_file_range(from, NULL, to, NULL, size, 0);
  if (strcmp(call, "sendfile") == 0) return sendfile(to, from, NULL, size);
  int ends[2];
  if (pipe(ends) < 0) broken("pipe");
  long n = splice(from, NULL, ends[1], NULL, size < 65536 ? size : 65536, 0);
  if (n > 0) n = splice(ends[0], NULL, to, NULL, n, 0);
  close(ends[0]);
  close(ends[1]);
  return n;
}

static int attempt(const char *call, const char *path, mode_t mode) {
  int from = open(PAYLOAD, O_RDONLY);
  int to = noted(open(path, O_WRONLY | O_CREAT, mode));
  for (size_t left = to >= 0 ? payload_size() : 0; left > 0;) {
    long n = copy(call, from, to, left);
    if (n <= 0) broken(call);
    left -= n;
  }
  close(from);
  if (to >= 0) close(to);
  noted(chmod(path, 0755));
  return runs_payload(path);
}

int main(int argc, char **argv) {
  if (argc != 2) return BROKEN;
  int early = attempt(argv[1], "early", 0755);
  return verdict(early | attempt(argv[1], "late", 0644));
}
