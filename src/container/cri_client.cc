// The CRI over its socket. The only file that knows gRPC.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <atomic>
#include <future>

#include "container/cri.pb.h"
#include "container/runtime_api.h"

namespace holdfast {
namespace {

using std::chrono::nanoseconds, std::chrono::system_clock;

constexpr std::size_t kLongestName = 64;

std::optional<std::string> told(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::optional<system_clock::time_point> at(std::int64_t ns) {
  if (ns <= 0) return std::nullopt;
  return system_clock::time_point(
      std::chrono::duration_cast<system_clock::duration>(nanoseconds(ns)));
}

template <typename Map>
Annotations members(const Map& map) {
  return {map.begin(), map.end()};
}

class CriClient : public RuntimeApi {
 public:
  CriClient(std::string name, const std::string& path) : name_(std::move(name)) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(static_cast<int>(kMostAnswerBytes));
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
    channel_ =
        grpc::CreateCustomChannel("unix:" + path, grpc::InsecureChannelCredentials(), arguments);
  }

  const std::string& socket() const override { return name_; }

  Result<std::optional<WorkloadFacts>> container(const std::string& id) override {
    cri::ListContainersRequest request;
    request.mutable_filter()->set_id(id);
    cri::ListContainersResponse listed;
    const grpc::Status status = call("ListContainers", request, listed);
    if (!status.ok()) return failed(status);
    FactsBuilder facts(id);
    // The filter takes the beginning of an id too.
    for (const cri::Container& container : listed.containers()) {
      if (container.id() != id) continue;
      if (Status named = name_runtime(facts); !named) return named.error();
      return container_facts(container, facts);
    }
    return sandbox_facts(id, facts);
  }

 private:
  using Answer = Result<std::optional<WorkloadFacts>>;

  Answer container_facts(const cri::Container& container, FactsBuilder& facts) {
    // A kubelet names images by id; the status has a name with a tag.
    cri::ContainerStatusRequest request;
    request.set_container_id(container.id());
    cri::ContainerStatusResponse response;
    const grpc::Status status = call("ContainerStatus", request, response);
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) return Answer(std::nullopt);
    if (!status.ok()) return failed(status);
    facts.image(container.image().image()).image(response.status().image().image());
    const std::string& reference = response.status().image_ref();
    const std::size_t digest = reference.rfind("sha256:");
    if (digest != std::string::npos) facts.digest(reference.substr(digest));
    facts.name(told(container.metadata().name())).sandbox(told(container.pod_sandbox_id()));
    facts.created(at(container.created_at()));
    Result<cri::PodSandboxStatus> sandbox = sandbox_status(container.pod_sandbox_id());
    if (!sandbox) return sandbox.error();
    take_pod(*sandbox, facts);
    return Answer(facts.build());
  }

  // The sandbox's own (pause) container has the sandbox's id.
  Answer sandbox_facts(const std::string& id, FactsBuilder& facts) {
    Result<cri::PodSandboxStatus> sandbox = sandbox_status(id);
    if (!sandbox) return sandbox.error();
    if (sandbox->id() != id) return Answer(std::nullopt);
    if (Status named = name_runtime(facts); !named) return named.error();
    take_pod(*sandbox, facts);
    facts.sandbox(id).created(at(sandbox->created_at()));
    WorkloadFacts known = facts.build();
    known.missing &= static_cast<FactMask>(~kImageFact);  // the runtime's own, told nowhere here
    return Answer(std::move(known));
  }

  static void take_pod(const cri::PodSandboxStatus& sandbox, FactsBuilder& facts) {
    const cri::PodSandboxMetadata& pod = sandbox.metadata();
    facts.pod(told(pod.name()), told(pod.namespace_()), told(pod.uid()));
    facts.annotations({{"io.kubernetes.pod.name", pod.name()}});  // and so it is Kubernetes'
    facts.labels(pod_labels(members(sandbox.labels())));
  }

  // cri-dockerd says "docker".
  Status name_runtime(FactsBuilder& facts) {
    cri::VersionResponse version;
    const grpc::Status status = call("Version", cri::VersionRequest(), version);
    if (!status.ok()) return failed(status);
    facts.claimed_by(version.runtime_name().substr(0, kLongestName));
    return {};
  }

  // Empty: there is none of that id.
  Result<cri::PodSandboxStatus> sandbox_status(const std::string& id) {
    cri::PodSandboxStatusRequest request;
    request.set_pod_sandbox_id(id);
    cri::PodSandboxStatusResponse response;
    const grpc::Status status = call("PodSandboxStatus", request, response);
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) return cri::PodSandboxStatus();
    if (!status.ok()) return failed(status);
    return std::move(*response.mutable_status());
  }

  // Both versions have the same messages: only the service's name differs.
  template <typename Request, typename Response>
  grpc::Status call(const char* method, const Request& request, Response& response) {
    const bool older = older_;
    grpc::Status status = call_once(older, method, request, response);
    if (status.error_code() != grpc::StatusCode::UNIMPLEMENTED) return status;
    response.Clear();
    status = call_once(!older, method, request, response);
    if (status.ok()) older_ = !older;
    return status;
  }

  template <typename Request, typename Response>
  grpc::Status call_once(bool older, const char* method, const Request& request,
                         Response& response) {
    grpc::ClientContext context;
    context.set_deadline(system_clock::now() + kCallTakes);
    context.set_wait_for_ready(false);
    grpc::ByteBuffer asked, answered;
    bool owns = false;
    grpc::Status written = grpc::SerializationTraits<Request>::Serialize(request, &asked, &owns);
    if (!written.ok()) return written;
    std::promise<grpc::Status> done;
    grpc::GenericStub(channel_).UnaryCall(
        &context,
        std::string(older ? "/runtime.v1alpha2.RuntimeService/" : "/runtime.v1.RuntimeService/") +
            method,
        grpc::StubOptions(), &asked, &answered,
        [&done](grpc::Status status) { done.set_value(std::move(status)); });
    const grpc::Status status = done.get_future().get();
    // Here and not by gRPC, which takes what it cannot parse for an empty message.
    return status.ok() ? grpc::SerializationTraits<Response>::Deserialize(&answered, &response)
                       : status;
  }

  Error failed(const grpc::Status& status) const {
    return Error{0, "ask " + name_ + ": " + status.error_message().substr(0, 200), ""};
  }

  const std::string name_;
  std::shared_ptr<grpc::Channel> channel_;
  std::atomic<bool> older_{false};
};

}  // namespace

std::unique_ptr<RuntimeApi> make_cri_client(std::string name, const std::string& path) {
  return std::make_unique<CriClient>(std::move(name), path);
}

}  // namespace holdfast
