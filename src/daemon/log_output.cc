#include "daemon/log_output.h"

#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

namespace holdfast {
namespace {

constexpr char kPattern[] = "%Y-%m-%dT%H:%M:%S.%e %l %v";
constexpr std::string_view kCut = "...";

LineOutput& standard_error() {
  static constinit LineOutput output(STDERR_FILENO);
  return output;
}

// "2026-01-31T12:00:00.123 info text" as kPattern says; what does not fit is left out.
std::string_view format_line(std::array<char, LineOutput::kMostBytes>& line, const char* level,
                             const char* text) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  localtime_r(&now.tv_sec, &parts);
  const std::size_t length = strftime(line.data(), line.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const int more = std::snprintf(line.data() + length, line.size() - length, ".%03ld %s %s",
                                 now.tv_nsec / 1'000'000, level, text);
  return {line.data(),
          std::min(length + static_cast<std::size_t>(std::max(0, more)), line.size() - 1)};
}

class NonBlockingSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    std::string_view line(text.data(), text.size());
    if (line.ends_with('\n')) line.remove_suffix(1);
    standard_error().write(line);
  }
  void flush_() override {}
};

}  // namespace

bool LineOutput::write(std::string_view line) {
  if (const std::uint64_t lost = dropped_; lost > 0) {
    std::array<char, kMostBytes> buffer{};
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%llu log line%s dropped",
                  static_cast<unsigned long long>(lost), lost == 1 ? " was" : "s were");
    if (!put(format_line(buffer, "warning", text.data()))) {
      ++dropped_;
      return false;
    }
    dropped_ -= lost;
  }
  if (put(line)) return true;
  ++dropped_;
  return false;
}

bool LineOutput::put(std::string_view line) {
  std::array<char, kMostBytes> buffer;
  std::size_t length = 0;
  if (torn_) buffer[length++] = '\n';
  const std::size_t room = buffer.size() - length - 1;
  const bool cut = line.size() > room;
  if (cut) line = line.substr(0, room - kCut.size());
  for (const char byte : line) {
    const auto code = static_cast<unsigned char>(byte);
    buffer[length++] = code < ' ' || code == 0x7f ? '?' : byte;
  }
  if (cut) length += kCut.copy(buffer.data() + length, kCut.size());
  buffer[length++] = '\n';
  const ssize_t written = write_without_waiting(fd_, {buffer.data(), length});
  if (written <= 0) return false;
  torn_ = static_cast<std::size_t>(written) < length;
  return !torn_;
}

ssize_t write_without_waiting(int fd, std::string_view text) {
  const ssize_t sent = send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  iovec part{const_cast<char*>(text.data()), text.size()};
  const ssize_t written = pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
  if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) return written;
  return write_when_ready(fd, text);
}

ssize_t write_when_ready(int fd, std::string_view text) {
  pollfd ready{fd, POLLOUT, 0};
  if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::write(fd, text.data(), std::min(text.size(), LineOutput::kMostBytes));
}

void set_up_logging() {
  tzset();  // reads the zone's file now: localtime_r() allocates nothing later
  auto logger = std::make_shared<spdlog::logger>("holdfast", std::make_shared<NonBlockingSink>());
  logger->set_pattern(kPattern);
  // spdlog's own handler prints with stdio, which waits.
  logger->set_error_handler([](const std::string& text) { write_log_line("error", text.c_str()); });
  spdlog::set_default_logger(std::move(logger));
}

void write_log_line(const char* level, const char* text) {
  std::array<char, LineOutput::kMostBytes> line;
  standard_error().write(format_line(line, level, text));
}

}  // namespace holdfast
