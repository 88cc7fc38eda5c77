// The payload is in shared memory without a file, which /proc/self/map_files shows as one. A process
// with CAP_SYS_ADMIN may open it by that name.
// usage: map_files [sysv]   (sysv: a segment of shmget(2))
#include <sys/shm.h>

#include "evasion.h"
static char *segment(size_t size) {
  int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0777);
  char *memory = id < 0 ? MAP_FAILED : shmat(id, NULL, 0);
  if (memory != MAP_FAILED) shmctl(id, IPC_RMID, NULL);
  return memory;
}

int main(int argc, char **argv) {
  (void)argv;
  const size_t size = (payload_size() + 4095) / 4096 * 4096;
  char *memory = argc > 1 ? segment(size)
                          : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) broken("shared memory");
  memcpy(memory, payload_bytes, payload_size());
  char path[128];
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (unsigned long)memory,
           (unsigned long)memory + size);
  // Its mode is 0777, as that of all shared memory.
  return verdict(runs_payload(path));
}
