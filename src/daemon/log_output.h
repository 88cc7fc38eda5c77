// The daemon's log on stderr. Whoever reads it (journald, a pipe, a terminal) may stop reading;
// the threads that answer permission events log, so that no line may ever wait for a reader.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace holdfast {

// Lines to one descriptor: written at once or dropped and counted. Allocates nothing. A line that
// passes after others were dropped is preceded by one that says how many. SIGPIPE has to be
// ignored.
class LineOutput {
 public:
  static constexpr std::size_t kMostBytes =
      4096;  // PIPE_BUF: what a pipe takes whole or not at all

  explicit constexpr LineOutput(int fd) : fd_(fd) {}

  // `line` has no line end. Control bytes in it become '?', what is beyond kMostBytes is cut off.
  bool write(std::string_view line);
  std::uint64_t dropped() const { return dropped_; }  // not told to the reader yet

 private:
  bool put(std::string_view line);

  int fd_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> torn_{false};  // the last line's end is missing
};

// As write(2), but EAGAIN in place of a wait.
ssize_t write_without_waiting(int fd, std::string_view text);
// The same for descriptors without RWF_NOWAIT (pipes before 6.5, ext4): asks poll(2) first. Another
// writer may take a pipe's room in between; a regular file is as fast as its filesystem
// (log_relay.h).
ssize_t write_when_ready(int fd, std::string_view text);

// Makes stderr spdlog's default, by a sink that never waits.
void set_up_logging();

// A line like spdlog's, for a process that must not allocate or take locks after set_up_logging().
// `level` as spdlog names it: "info", "warning", "error".
void write_log_line(const char* level, const char* text);

}  // namespace holdfast
