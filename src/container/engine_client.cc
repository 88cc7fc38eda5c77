// Docker's Engine API and podman's over their sockets. The only file that knows Boost.Beast, whose
// parser reads the answers.
// Unversioned paths are answered by every version of docker, in its own form; the members read here
// are in all of them.
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <limits>

#include "container/runtime_api.h"
#include "kernel/unix_stream.h"

namespace holdfast {
namespace {

using Answer = Result<std::optional<WorkloadFacts>>;

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
Status read_response(int socket, Response& response) {
  const auto end = std::chrono::steady_clock::now() + RuntimeApi::kCallTakes;
  std::string unparsed;
  std::array<char, 16384> buffer{};
  while (!response.is_done()) {
    const ssize_t length = recv(socket, buffer.data(), buffer.size(), 0);
    if (length < 0) return errno_error("read");
    if (length == 0) {
      if (!response.got_some()) return Error{0, "it closes the connection without an answer", ""};
      boost::system::error_code error;
      response.put_eof(error);
      if (error) return Error{0, error.message(), ""};
      return {};
    }
    unparsed.append(buffer.data(), static_cast<std::size_t>(length));
    if (Status parsed = parse(unparsed, response); !parsed) return parsed;
    if (std::chrono::steady_clock::now() >= end) return Error{ETIME, "read", ""};
  }
  return {};
}

// The JSON at a path; nullopt: 404.
Result<std::optional<nlohmann::json>> get(const std::string& name, const std::string& socket,
                                          const std::string& path) {
  const auto failed = [&](const std::string& why) {
    return Error{0, "ask " + name + path + ": " + why, ""};
  };
  const Result<UniqueFd> server = connect_to(socket, RuntimeApi::kCallTakes);
  if (!server) return failed(server.error().message());
  if (!send_all(server->get(),
                "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")) {
    return failed("it takes no request");
  }
  Response response;
  response.body_limit(std::numeric_limits<std::uint64_t>::max());
  if (Status read = read_response(server->get(), response); !read) {
    return failed(read.error().message());
  }
  const unsigned status = response.get().result_int();
  if (status == 404) return std::optional<nlohmann::json>();
  if (status != 200) return failed("HTTP status " + std::to_string(status));
  std::optional<nlohmann::json> json = parse_json(response.get().body());
  if (!json) return failed("no JSON");
  return json;
}

bool is_id(const std::string& id) {
  return !id.empty() && id.find_first_not_of(
                            "0123456789abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-") == std::string::npos;
}

class EngineClient : public RuntimeApi {
 public:
  EngineClient(std::string name, std::string path, bool podman)
      : name_(std::move(name)), path_(std::move(path)), podman_(podman) {}
  const std::string& socket() const override { return name_; }

  Answer container(const std::string& id) override {
    if (!is_id(id)) return Answer(std::nullopt);
    Result<std::optional<nlohmann::json>> found =
        get(name_, path_,
            podman_ ? "/v3.0.0/libpod/containers/" + id + "/json" : "/containers/" + id + "/json");
    if (!found) return found.error();
    // A name or the beginning of an id finds a container too.
    if (!*found || text_member(**found, "Id") != id) return Answer(std::nullopt);
    const nlohmann::json& json = **found;
    const nlohmann::json& config = member(json, "Config");
    FactsBuilder facts(id);
    facts.claimed_by(podman_ ? "podman" : "docker");
    facts.image(text_member(config, "Image").value_or(""));
    if (podman_) facts.image(text_member(json, "ImageName").value_or(""));
    facts.digest(text_member(json, podman_ ? "ImageDigest" : "Image"));
    const Annotations labels = string_members(member(config, "Labels"));
    facts.annotations(labels);
    if (auto name = text_member(json, "Name")) {
      facts.name(name->starts_with('/') ? name->substr(1) : *name);
    }
    if (const auto created = text_member(json, "Created")) facts.created(parse_time(*created));
    if (Status pod = take_pod(json, labels, facts); !pod) return pod.error();
    return Answer(facts.build());
  }

 private:
  Status take_pod(const nlohmann::json& json, const Annotations& labels, FactsBuilder& facts) {
    if (const auto pod = podman_ ? text_member(json, "Pod") : std::nullopt; pod && is_id(*pod)) {
      const auto found = get(name_, path_, "/v3.0.0/libpod/pods/" + *pod + "/json");
      if (!found) return found.error();
      if (*found) {
        facts.pod(text_member(**found, "Name"), std::nullopt, std::nullopt);
        facts.labels(string_members(member(**found, "Labels")));
      }
      return {};
    }
    if (!labels.contains("io.kubernetes.pod.name")) return {};
    const auto sandbox = labels.find("io.kubernetes.sandbox.id");
    if (sandbox == labels.end()) {
      facts.labels(pod_labels(labels));
      return {};
    }
    if (!is_id(sandbox->second)) return {};
    const auto found = get(name_, path_, "/containers/" + sandbox->second + "/json");
    if (!found) return found.error();
    if (*found) {
      facts.labels(pod_labels(string_members(member(member(**found, "Config"), "Labels"))));
    }
    return {};
  }

  const std::string name_;
  const std::string path_;
  const bool podman_;
};

}  // namespace

std::unique_ptr<RuntimeApi> make_docker_client(std::string name, std::string path) {
  return std::make_unique<EngineClient>(std::move(name), std::move(path), false);
}

std::unique_ptr<RuntimeApi> make_podman_client(std::string name, std::string path) {
  return std::make_unique<EngineClient>(std::move(name), std::move(path), true);
}

}  // namespace holdfast
