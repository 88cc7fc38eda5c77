// Shared by the evasion programs. Each tries one way to run code that is not the image's, in a
// container of its own, and tells by its exit code whether that code ran. Steps that are refused do
// not stop a program: it goes on to the end, as an attacker would.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELD = 0, RAN = 1, BROKEN = 2 };  // exit codes: the drifted code never ran, it did, no test

// In the image. The payload exits 77, which nothing else here does.
#define PAYLOAD "/app/payload"
#define VICTIM "/app/victim"
enum { PAYLOAD_STATUS = 77 };

static char payload_bytes[4 << 20];

static inline size_t payload_size(void) {
  static size_t size;
  if (size) return size;
  int fd = open(PAYLOAD, O_RDONLY);
  ssize_t n;
  while (fd >= 0 && (n = read(fd, payload_bytes + size, sizeof payload_bytes - size)) > 0) size += n;
  if (fd >= 0) close(fd);
  if (size == 0) {
    perror(PAYLOAD);
    exit(BROKEN);
  }
  return size;
}

// Puts the payload's bytes into an open file, from its start.
static inline void write_payload(int fd) {
  size_t size = payload_size();
  if (fd < 0 || pwrite(fd, payload_bytes, size, 0) != (ssize_t)size) return;
  if (ftruncate(fd, size) < 0) perror("ftruncate");
}

static inline void drop(const char *path, mode_t mode) {
  int fd = open(path, O_WRONLY | O_CREAT, mode);
  write_payload(fd);
  if (fd >= 0) close(fd);
}

static inline int exited_as_payload(pid_t child) {
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == PAYLOAD_STATUS;
}

// Executes the file and says whether it was the payload that ran.
static inline int runs_payload(const char *path) {
  pid_t child = fork();
  if (child == 0) {
    execl(path, path, (char *)NULL);
    _exit(errno == EPERM ? 3 : 4);
  }
  return exited_as_payload(child);
}

static inline int verdict(int ran) { return ran ? RAN : HELD; }
