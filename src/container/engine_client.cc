// Docker's Engine API and podman's over their sockets.
// Unversioned paths are answered by every version of docker, in its own form; the members read here
// are in all of them.
#include <sys/socket.h>

#include "container/http_get.h"
#include "container/runtime_api.h"
#include "kernel/unix_stream.h"

namespace holdfast {
namespace {

using Answer = Result<std::optional<WorkloadFacts>>;

class UnixStream : public ByteStream {
 public:
  explicit UnixStream(const UniqueFd& socket) : socket_(socket) {}
  Result<std::size_t> read(std::span<char> buffer) override {
    const ssize_t length = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (length < 0) return errno_error("read");
    return static_cast<std::size_t>(length);
  }
  Status write(std::string_view text) override {
    if (send_all(socket_.get(), text)) return {};
    return errno_error("write");
  }

 private:
  const UniqueFd& socket_;
};

// The JSON at a path; nullopt: 404.
Result<std::optional<nlohmann::json>> get(const std::string& name, const std::string& socket,
                                          const std::string& path) {
  const auto failed = [&](const std::string& why) {
    return Error{0, "ask " + name + path + ": " + why, ""};
  };
  const Result<UniqueFd> server = connect_to(socket, RuntimeApi::kCallTakes);
  if (!server) return failed(server.error().message());
  UnixStream stream(*server);
  const Result<HttpAnswer> answer = http_get(stream, "localhost", path);
  if (!answer) return failed(answer.error().message());
  const unsigned status = answer->status;
  if (status == 404) return std::optional<nlohmann::json>();
  if (status != 200) return failed("HTTP status " + std::to_string(status));
  std::optional<nlohmann::json> json = parse_json(answer->body);
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
