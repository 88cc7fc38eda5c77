#include "container/server_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace holdfast {
namespace {

constexpr std::uint16_t kHttps = 443, kHttp = 80;

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_address(const std::string& text, int family) {
  in6_addr address{};
  return inet_pton(family, text.c_str(), &address) == 1;
}

bool is_this_machine(const ServerUrl& url) {
  return url.address == "::1" || url.address.starts_with("127.");
}

}  // namespace

Result<ServerUrl> parse_server_url(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  ServerUrl url{.text = std::string(text)};
  const auto wrong = [&](const std::string& why) { return Error{0, why, ""}; };
  if (!take_prefix(text, "https://")) {
    if (!take_prefix(text, "http://")) return wrong("it must begin with https:// or http://");
    url.tls = false;
  }
  const bool v6 = take_prefix(text, "[");
  const std::size_t end = text.find(v6 ? ']' : ':');
  if (v6 && end == std::string_view::npos) return wrong("a \"]\" is missing");
  url.address = std::string(text.substr(0, end));
  if (!is_address(url.address, v6 ? AF_INET6 : AF_INET)) {
    return wrong("it needs an IP address, not a name: names are not looked up");
  }
  text.remove_prefix(std::min(text.size(), url.address.size() + (v6 ? 1 : 0)));
  url.port = url.tls ? kHttps : kHttp;
  if (!text.empty()) {
    const char* const last = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + 1, last, url.port);
    if (text.front() != ':' || parsed.ec != std::errc() || parsed.ptr != last || url.port == 0) {
      return wrong("after the address there can only be \":PORT\"");
    }
  }
  if (!url.tls && !is_this_machine(url)) {
    return wrong("http:// can only be to a loopback address; use https://");
  }
  url.host = (v6 ? "[" + url.address + "]" : url.address) + ":" + std::to_string(url.port);
  return url;
}

}  // namespace holdfast
