// A connection to a server, as a client that asks one question sees it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "holdfast/result.h"

namespace holdfast {

// Each call comes back within a limit that the connection was made with.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual Result<std::size_t> read(std::span<char> buffer) = 0;  // 0: the server is done
  virtual Status write(std::string_view text) = 0;               // all of it
};

}  // namespace holdfast
