// A child that runs the bytes of a program from a memory file, until the test ends.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "container/running_program.h"
#include "kernel/unique_fd.h"

namespace holdfast {

class RunningChild {
 public:
  enum class Seal { yes, no };
  RunningChild(const char* program, const char* name, Seal seal, const std::string& more = "") {
    UniqueFd memory(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    const UniqueFd source(open(program, O_RDONLY | O_CLOEXEC));
    while (sendfile(memory.get(), source.get(), nullptr, 1 << 20) > 0) {
    }
    EXPECT_EQ(write(memory.get(), more.data(), more.size()), static_cast<ssize_t>(more.size()));
    if (seal == Seal::yes) {
      EXPECT_EQ(fcntl(memory.get(), F_ADD_SEALS,
                      F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
                0);
    }
    start([&] {
      char sleep[] = "sleep";
      char time[] = "60";
      char* arguments[] = {sleep, time, nullptr};
      fexecve(memory.get(), arguments, environ);
    });
  }
  explicit RunningChild(const char* program) {
    start([&] { execl(program, "sleep", "60", static_cast<char*>(nullptr)); });
  }
  ~RunningChild() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  template <typename Exec>
  void start(Exec exec) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      exec();
      _exit(1);
    }
    write_end.reset();
    char byte = 0;
    while (read(read_end.get(), &byte, 1) > 0) {  // ends at the exec
    }
  }
  pid_t pid_ = -1;
};

class NoIds : public KnownIds {
 public:
  bool contains(std::string_view) const override { return false; }
};

}  // namespace holdfast
