// The opens are made by io_uring, which no system call of the opener's shows.
#include <linux/io_uring.h>

#include "evasion.h"
static struct io_uring_params params;
static int ring = -1;
static char *queue, *completions;
static struct io_uring_sqe *entries;

static void start(void) {
  ring = syscall(SYS_io_uring_setup, 4, &params);
  if (ring < 0) {
    perror("io_uring_setup");
    exit(BROKEN);
  }
  queue = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  completions = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
  entries = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
}

static int ring_open(const char *path, int flags, mode_t mode) {
  unsigned *tail = (unsigned *)(queue + params.sq_off.tail);
  unsigned mask = *(unsigned *)(queue + params.sq_off.ring_mask);
  unsigned *head = (unsigned *)(completions + params.cq_off.head);
  unsigned slot = *tail & mask;
  memset(&entries[slot], 0, sizeof entries[slot]);
  entries[slot].opcode = IORING_OP_OPENAT;
  entries[slot].fd = AT_FDCWD;
  entries[slot].addr = (unsigned long)path;
  entries[slot].open_flags = flags;
  entries[slot].len = mode;
  ((unsigned *)(queue + params.sq_off.array))[slot] = slot;
  __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
  if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 1) exit(BROKEN);
  unsigned seen = *head & *(unsigned *)(completions + params.cq_off.ring_mask);
  int result = ((struct io_uring_cqe *)(completions + params.cq_off.cqes))[seen].res;
  __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
  return result;
}

static void put(const char *path, int flags, mode_t mode) {
  int fd = ring_open(path, flags, mode);
  write_payload(fd);
  if (fd >= 0) close(fd);
}

int main(void) {
  start();
  put("/tmp/x", O_WRONLY | O_CREAT, 0755);
  put("/tmp/y", O_WRONLY | O_CREAT, 0644);
  chmod("/tmp/y", 0755);
  put(VICTIM, O_WRONLY | O_TRUNC, 0);
  int ran = runs_payload("/tmp/x") | runs_payload("/tmp/y");
  return verdict(ran | runs_payload(VICTIM));
}
