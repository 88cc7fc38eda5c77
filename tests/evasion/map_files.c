// The payload is in shared anonymous memory, which /proc/self/map_files shows as a file. A process
// with CAP_SYS_ADMIN may open it by that name.
#include "evasion.h"
int main(void) {
  const size_t size = (payload_size() + 4095) / 4096 * 4096;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) broken("mmap");
  memcpy(memory, payload_bytes, payload_size());
  char path[128];
  snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (unsigned long)memory,
           (unsigned long)memory + size);
  // Its mode is 0777, as that of all shared memory.
  return verdict(runs_payload(path));
}
