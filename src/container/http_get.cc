// The only file that knows Boost.Beast, whose parser reads the answers.
#include "container/http_get.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>

#include "container/runtime_api.h"

namespace holdfast {
namespace {

namespace http = boost::beast::http;
using Response = http::response_parser<http::string_body>;

Status too_long() { return Error{EMSGSIZE, "its answer is too long", ""}; }

// Parses what it can of `bytes`, and takes that away. The parser makes room for as many bytes as
// the head says, and its own limit is no help there (1.74).
Status parse(std::string& bytes, Response& response) {
  while (!bytes.empty() && !response.is_done()) {
    boost::system::error_code error;
    const std::size_t parsed = response.put(boost::asio::buffer(bytes), error);
    bytes.erase(0, parsed);
    if (error && error != http::error::need_more) return Error{0, error.message(), ""};
    if (response.is_header_done() && !response.eager()) {
      if (response.content_length().value_or(0) > kMostAnswerBytes) return too_long();
      response.eager(true);
    } else if (parsed == 0) {
      break;
    }
    if (response.get().body().size() > kMostAnswerBytes) return too_long();
  }
  return {};
}

// Each read has its limit; a server that trickles has one for all of them.
Status read_response(ByteStream& server, Response& response) {
  const auto end = std::chrono::steady_clock::now() + RuntimeApi::kCallTakes;
  std::string unparsed;
  std::array<char, 16384> buffer{};
  while (!response.is_done()) {
    const Result<std::size_t> length = server.read(buffer);
    if (!length) return length.error();
    if (*length == 0) {
      if (!response.got_some()) return Error{0, "it closes the connection without an answer", ""};
      boost::system::error_code error;
      response.put_eof(error);
      if (error) return Error{0, error.message(), ""};
      return {};
    }
    unparsed.append(buffer.data(), *length);
    if (Status parsed = parse(unparsed, response); !parsed) return parsed;
    if (unparsed.size() > kMostAnswerBytes) return too_long();  // a line without an end
    if (std::chrono::steady_clock::now() >= end) return Error{ETIME, "read", ""};
  }
  return {};
}

}  // namespace

Result<HttpAnswer> http_get(ByteStream& server, const std::string& host, const std::string& path,
                            const std::string& token) {
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n";
  if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
  if (!server.write(request + "\r\n")) return Error{0, "it takes no request", ""};
  Response response;
  response.body_limit(std::numeric_limits<std::uint64_t>::max());
  if (Status read = read_response(server, response); !read) return read.error();
  return HttpAnswer{response.get().result_int(), std::move(response.get().body())};
}

}  // namespace holdfast
