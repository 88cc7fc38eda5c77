// Shared by the evasion programs. Each tries one way to run code that is not the image's and tells
// by its exit code whether that code ran. Steps that are refused do not stop a program: it goes on
// to the end, as an attacker would. It works in the directory it is started in, on files named
// relative to it.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Exit codes: the drifted code ran; it did not, and something was refused; anything else says that
// the test itself does not work.
enum { RAN = 0, HELD = 42, BROKEN = 1 };

// In the image. The payload exits 77, which nothing else here does.
#define PAYLOAD "/app/payload"
enum { PAYLOAD_STATUS = 77 };

// An executable of the image that this program may change: the VICTIM of its environment.
#define VICTIM (victim_path())
static inline char *victim_path(void) {
  char *path = getenv("VICTIM");
  return path ? path : (char *)"/app/victim";
}

static char payload_bytes[4 << 20];
static int refused;  // something failed with EPERM, or the payload was killed

// Takes down a refusal; the result of a system call goes in and comes out.
static inline long noted(long result) {
  if (result < 0 && errno == EPERM) refused = 1;
  return result;
}

static inline void broken(const char *what) {
  perror(what);
  exit(BROKEN);
}

static inline size_t payload_size(void) {
  static size_t size;
  if (size) return size;
  int fd = open(PAYLOAD, O_RDONLY);
  ssize_t n;
  while (fd >= 0 && (n = read(fd, payload_bytes + size, sizeof payload_bytes - size)) > 0)
    size += n;
  if (fd >= 0) close(fd);
  if (size == 0) broken(PAYLOAD);
  return size;
}

// The same of a step that the attack does not work without: only a refusal may stand in its way.
static inline long attempted(long result, const char *what) {
  if (noted(result) < 0 && errno != EPERM) broken(what);
  return result;
}

// Puts the payload's bytes into an open file, from its start.
static inline void write_payload(int fd) {
  size_t size = payload_size();
  if (fd < 0 || pwrite(fd, payload_bytes, size, 0) != (ssize_t)size) return;
  if (ftruncate(fd, size) < 0) perror("ftruncate");
}

static inline void drop(const char *path, mode_t mode) {
  int fd = noted(open(path, O_WRONLY | O_CREAT, mode));
  write_payload(fd);
  if (fd >= 0) close(fd);
}

// A data file that is made executable after it was written: its creation shows nothing.
static inline void drop_late(const char *path) {
  drop(path, 0644);
  noted(chmod(path, 0755));
}

// What a child says that could not execute: EPERM is a refusal.
static inline void exec_failed(void) { _exit(errno == EPERM ? 3 : 4); }

static inline int exited_as_payload(pid_t child) {
  int status = 0;
  if (child <= 0 || waitpid(child, &status, 0) != child) return 0;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) refused = 1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 3) refused = 1;
  return WIFEXITED(status) && WEXITSTATUS(status) == PAYLOAD_STATUS;
}

// Executes the file and says whether it was the payload that ran.
static inline int runs_payload(const char *path) {
  pid_t child = fork();
  if (child == 0) {
    execl(path, path, (char *)NULL);
    exec_failed();
  }
  return exited_as_payload(child);
}

static inline int verdict(int ran) {
  if (ran) return RAN;
  if (!refused) fprintf(stderr, "nothing ran, but nothing was refused either\n");
  return refused ? HELD : BROKEN;
}
