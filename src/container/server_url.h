// Where a server is: an address, never a name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "holdfast/result.h"

namespace holdfast {

struct ServerUrl {
  std::string text;     // "https://10.96.0.1:443"
  bool tls = true;      // https
  std::string address;  // IPv4 or IPv6, without brackets
  std::uint16_t port = 0;
  std::string host;  // with the port, as the Host header has it
};

// "https://ADDRESS[:PORT]" or, to this machine alone, "http://ADDRESS[:PORT]"; an IPv6 address in
// brackets. The error says what is wrong with it.
Result<ServerUrl> parse_server_url(std::string_view text);

}  // namespace holdfast
