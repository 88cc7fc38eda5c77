// No file is executed at all: code is put into memory of the process and jumped to.
// usage: anonymous_code mprotect|proc_mem
//   mprotect: memory that becomes executable; proc_mem: over the program's own code
#include "evasion.h"
#if defined(__x86_64__)
static const unsigned char code[] = {0xb8, 60, 0, 0, 0, 0xbf, 77, 0, 0, 0, 0x0f, 0x05};
#elif defined(__aarch64__)
static const unsigned char code[] = {0xa8, 0x0b, 0x80, 0xd2, 0xa0, 0x09, 0x80, 0xd2, 1, 0, 0, 0xd4};
#endif

__attribute__((noinline)) static void overwritten(void) {
  for (volatile int i = 0; i < 8; i++) usleep(1);
  _exit(4);
}

static void *fresh(void) {
  char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) broken("mmap");
  memcpy(memory, code, sizeof code);
  if (noted(mprotect(memory, 4096, PROT_READ | PROT_EXEC)) < 0) exec_failed();
  return memory;
}

static void *own(void) {
  int fd = noted(open("/proc/self/mem", O_RDWR));
  if (fd < 0) exec_failed();
  if (pwrite(fd, code, sizeof code, (off_t)(unsigned long)overwritten) != sizeof code)
    exec_failed();
  return (void *)overwritten;
}

int main(int argc, char **argv) {
  if (argc != 2) return BROKEN;
  pid_t child = fork();
  if (child == 0) {
    char *entry = strcmp(argv[1], "proc_mem") == 0 ? own() : fresh();
    __builtin___clear_cache(entry, entry + sizeof code);
    ((void (*)(void))entry)();
  }
  return verdict(exited_as_payload(child));
}
