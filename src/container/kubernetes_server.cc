#include "container/kubernetes_server.h"

#include <algorithm>

#include "container/host_path.h"
#include "container/http_get.h"
#include "container/runtime_api.h"
#include "container/runtime_json.h"
#include "container/tls_stream.h"

namespace holdfast {
namespace {

constexpr std::size_t kLongestToken = 65536;
constexpr std::size_t kLongestUid = 64;

// One line without anything that could be a header of its own.
Result<std::string> read_token(const std::string& path) {
  std::string token = read_text_file(path).value_or("");
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool plain =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (token.empty() || token.size() > kLongestToken || !plain) {
    return Error{0, "there is no token in " + path, ""};
  }
  return token;
}

Result<HttpAnswer> get(const KubernetesServer& server, const std::string& path) {
  const ServerUrl& url = server.url;
  auto tcp =
      TcpStream::connect(url.address, url.port, TcpStream::Clock::now() + RuntimeApi::kCallTakes);
  if (!tcp) return tcp.error();
  if (!url.tls) return http_get(**tcp, url.host, path);
  const Result<std::string> token = read_token(server.token_file);
  if (!token) return token.error();
  const std::string ca =
      server.ca_prefix + resolve_below(server.ca_prefix, server.ca_file).value_or(server.ca_file);
  const auto tls = connect_tls(std::move(*tcp), {ca, url.address, server.names});
  if (!tls) return tls.error();
  return http_get(**tls, url.host, path, *token);
}

}  // namespace

Result<std::string> ask(const KubernetesServer& server, const std::string& path) {
  Result<HttpAnswer> answer = get(server, path);
  const auto failed = [&](const std::string& why) {
    return Error{0, "ask " + server.url.text + path + ": " + why, ""};
  };
  if (!answer) return failed(answer.error().message());
  if (answer->status != 200) return failed("HTTP status " + std::to_string(answer->status));
  return std::move(answer->body);
}

Result<std::string> ask_cluster_id(const KubernetesServer& api) {
  const std::string path = "/api/v1/namespaces/kube-system";
  const Result<std::string> body = ask(api, path);
  if (!body) return body.error();
  const auto json = parse_json(*body);
  const auto uid =
      json ? text_member(member(*json, "metadata"), "uid") : std::optional<std::string>();
  if (!uid || uid->size() > kLongestUid) {
    return Error{0, "ask " + api.url.text + path + ": no uid in its answer", ""};
  }
  return *uid;
}

}  // namespace holdfast
