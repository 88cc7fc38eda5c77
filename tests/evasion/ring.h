// One io_uring, one request at a time, without a library.
#pragma once

#include <linux/io_uring.h>

#include "evasion.h"

static struct {
  int fd;
  unsigned flags;  // of every entry: IOSQE_ASYNC leaves the work to a kernel thread
  int sqpoll;      // a kernel thread takes the entries: no system call shows them
  struct io_uring_params params;
  char *queue, *completions;
  struct io_uring_sqe *entries;
} ring;

// kind: inline, async or sqpoll. Where io_uring is refused, so is every request.
static inline void ring_start(const char *kind) {
  ring.sqpoll = strcmp(kind, "sqpoll") == 0;
  ring.flags = strcmp(kind, "async") == 0 ? IOSQE_ASYNC : 0;
  ring.params.flags = ring.sqpoll ? IORING_SETUP_SQPOLL : 0;
  ring.fd = syscall(SYS_io_uring_setup, 4, &ring.params);
  if (attempted(ring.fd, "io_uring_setup") < 0) return;
  const int access = PROT_READ | PROT_WRITE;
  ring.queue = mmap(NULL, 4096, access, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
  ring.completions = mmap(NULL, 4096, access, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
  ring.entries = mmap(NULL, 4096, access, MAP_SHARED, ring.fd, IORING_OFF_SQES);
}

// The result of one request; -1 with errno as of a system call.
static inline long ring_call(struct io_uring_sqe entry) {
  if (ring.fd < 0) {
    errno = EPERM;
    return -1;
  }
  unsigned *tail = (unsigned *)(ring.queue + ring.params.sq_off.tail);
  unsigned slot = *tail & *(unsigned *)(ring.queue + ring.params.sq_off.ring_mask);
  unsigned *head = (unsigned *)(ring.completions + ring.params.cq_off.head);
  entry.flags |= ring.flags;
  ring.entries[slot] = entry;
  ((unsigned *)(ring.queue + ring.params.sq_off.array))[slot] = slot;
  __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
  unsigned how = IORING_ENTER_GETEVENTS | (ring.sqpoll ? IORING_ENTER_SQ_WAKEUP : 0);
  if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, how, NULL, 0) < 0) broken("io_uring_enter");
  unsigned seen = *head & *(unsigned *)(ring.completions + ring.params.cq_off.ring_mask);
  int result = ((struct io_uring_cqe *)(ring.completions + ring.params.cq_off.cqes))[seen].res;
  __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
  if (result >= 0) return result;
  errno = -result;
  return -1;
}
