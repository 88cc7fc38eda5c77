// One HTTP GET on a connection that is used for nothing else. The answer is foreign bytes: bounded
// in length, never followed elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "kernel/byte_stream.h"

namespace holdfast {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

// `host`: what the Host header says. `token`: sent as a bearer token unless it is empty. Neither
// may hold a line break.
Result<HttpAnswer> http_get(ByteStream& server, const std::string& host, const std::string& path,
                            const std::string& token = "");

}  // namespace holdfast
