// A program in one file, as PyInstaller makes them: a library and a helper program are appended to
// it. It unpacks them into a directory of its own below /tmp, with mode 0700, loads the one, runs
// the other and removes the directory. The file's last 32 digits are their two sizes.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void unpack(FILE *from, long offset, long size, const char *path) {
  char *bytes = malloc(size);
  FILE *to = fopen(path, "wb");
  if (!bytes || !to || fseek(from, offset, SEEK_SET) != 0) fail(path);
  if (fread(bytes, 1, size, from) != (size_t)size) fail("reading");
  if (fwrite(bytes, 1, size, to) != (size_t)size) fail(path);
  if (fchmod(fileno(to), 0700) != 0) fail("fchmod");
  fclose(to);
  free(bytes);
}

int main(void) {
  char digits[33] = "", directory[] = "/tmp/_MEIXXXXXX", library[64], helper[64];
  FILE *self = fopen("/proc/self/exe", "rb");
  if (!self || fseek(self, -32, SEEK_END) != 0 || fread(digits, 1, 32, self) != 32) fail("itself");
  const long end = ftell(self) - 32, helper_size = atol(digits + 16);
  digits[16] = '\0';
  const long library_size = atol(digits);
  if (!mkdtemp(directory)) fail(directory);
  snprintf(library, sizeof(library), "%s/plugin.so", directory);
  snprintf(helper, sizeof(helper), "%s/helper", directory);
  unpack(self, end - helper_size - library_size, library_size, library);
  unpack(self, end - helper_size, helper_size, helper);

  void *loaded = dlopen(library, RTLD_NOW);
  if (!loaded) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  int (*answer)(void) = (int (*)(void))dlsym(loaded, "answer");
  int status = system(helper);
  unlink(library);
  unlink(helper);
  rmdir(directory);
  return answer && answer() == 42 && status == 0 ? 0 : 1;
}
