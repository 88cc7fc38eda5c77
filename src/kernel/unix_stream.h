// Stream sockets on paths, with a limit on each wait: nobody at the other end may hold this one up.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "holdfast/result.h"
#include "kernel/unique_fd.h"

namespace holdfast {

// Only its owner can connect; a socket file that is there is replaced.
Result<UniqueFd> listen_at(const std::string& path);
Result<UniqueFd> connect_to(const std::string& path, std::chrono::milliseconds each_wait);

void limit_waits(int socket, std::chrono::milliseconds each_wait);

// False: the other end did not take all of it.
bool send_all(int socket, std::string_view text);

}  // namespace holdfast
