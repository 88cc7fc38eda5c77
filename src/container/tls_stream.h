// TLS to a server that proves who it is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel/tcp_stream.h"

namespace holdfast {

struct TlsPeer {
  std::string ca_file;  // PEM; read at each connection, as it may be replaced
  // One of them has to be in the server's certificate, unless that is itself in `ca_file`.
  std::string address;
  std::vector<std::string> names;
};

// Nothing is written to a server whose certificate is not what `peer` wants.
Result<std::unique_ptr<ByteStream>> connect_tls(std::unique_ptr<TcpStream> stream,
                                                const TlsPeer& peer);

}  // namespace holdfast
