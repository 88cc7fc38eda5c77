// epoll(7) and eventfd(2): one thread's wait for many descriptors.
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cstdint>
#include <optional>
#include <string>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

class Epoll {
 public:
  static Result<Epoll> create() {
    UniqueFd fd(epoll_create1(EPOLL_CLOEXEC));
    if (!fd.valid()) return errno_error("epoll_create1");
    return Epoll(std::move(fd));
  }

  Status add(int fd, std::uint32_t events, std::uint64_t key) {
    return control(EPOLL_CTL_ADD, fd, events, key);
  }
  Status rearm(int fd, std::uint32_t events, std::uint64_t key) {
    return control(EPOLL_CTL_MOD, fd, events, key);
  }
  void remove(int fd) { epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  // Key of one ready descriptor, if there is one within so many milliseconds (-1: without limit).
  std::optional<std::uint64_t> wait_for(int milliseconds) {
    epoll_event event{};
    if (epoll_wait(fd_.get(), &event, 1, milliseconds) != 1) return std::nullopt;
    const std::uint64_t key = event.data.u64;
    return key;
  }

  // Key of one ready descriptor; waits without limit.
  Result<std::uint64_t> wait() {
    epoll_event event{};
    int ready;
    do {
      ready = epoll_wait(fd_.get(), &event, 1, -1);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) return errno_error("epoll_wait");
    return event.data.u64;
  }

 private:
  explicit Epoll(UniqueFd fd) : fd_(std::move(fd)) {}
  Status control(int operation, int fd, std::uint32_t events, std::uint64_t key) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    if (epoll_ctl(fd_.get(), operation, fd, &event) != 0) return errno_error("epoll_ctl");
    return {};
  }
  UniqueFd fd_;
};

// Wakes every waiter until it is cleared.
class WakeSignal {
 public:
  WakeSignal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  int fd() const { return fd_.get(); }
  void raise() { eventfd_write(fd_.get(), 1); }
  void clear() {
    eventfd_t value = 0;
    eventfd_read(fd_.get(), &value);
  }

 private:
  UniqueFd fd_;
};

}  // namespace holdfast
