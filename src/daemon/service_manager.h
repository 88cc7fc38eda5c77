// The service manager's end: sd_notify(3) and the file descriptor store (systemd.service(5),
// FileDescriptorStoreMax=; https://systemd.io/FILE_DESCRIPTOR_STORE/). The protocol is a few
// datagrams and three environment variables, documented and stable, so it is written out here:
// libsystemd cannot be linked into the static binary, and it allocates.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <string>
#include <vector>

#include "kernel/unique_fd.h"

namespace holdfast {

class ServiceManager {
 public:
  // NOTIFY_SOCKET (a path, or an abstract name after '@'), WATCHDOG_USEC and WATCHDOG_PID. Unsets
  // them, so that no child takes itself for the service: call it before any thread starts. A value
  // that makes no sense is logged and counts as absent.
  static ServiceManager from_environment();

  bool present() const { return socket_.valid(); }
  // -1 if absent. Close-on-exec and non-blocking: a stalled manager never blocks the sender.
  int socket() const { return socket_.get(); }
  // WATCHDOG=1 is expected at least this often; 0: no watchdog asked for.
  std::chrono::milliseconds watchdog() const { return watchdog_; }

  // The three messages. They allocate nothing. False: not taken, as the manager's queue is full or
  // there is none; the caller tries again later.

  // "READY=1", "WATCHDOG=1", "STOPPING=1", "EXTEND_TIMEOUT_USEC=…"; several by lines.
  bool notify(const char* state) const;
  // Leaves a duplicate of `fd` with the manager. The name: at most 255 printable ASCII characters
  // without ':'. The same open file is stored once, however often it is sent.
  bool store(int fd, const char* name) const;
  // Drops every stored descriptor of that name.
  bool remove(const char* name) const;

 private:
  bool send(const char* text, std::size_t length, int fd) const;

  UniqueFd socket_;
  sockaddr_un address_{};
  socklen_t address_length_ = 0;
  std::chrono::milliseconds watchdog_{0};
};

struct StoredDescriptor {
  UniqueFd fd;
  std::string name;  // "unknown" or empty if the manager gave none
};

// What the manager passed at this start: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES. The descriptors
// become close-on-exec; the variables are unset. A second call yields nothing.
std::vector<StoredDescriptor> take_stored_descriptors();

}  // namespace holdfast
