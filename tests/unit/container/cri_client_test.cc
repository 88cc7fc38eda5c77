#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>

#include "container/cri.pb.h"
#include "container/runtime_api.h"
#include "temp_tree.h"

namespace holdfast {
namespace {

const std::string kId(64, 'a');
const std::string kSandbox(64, 'b');
using Answer = Result<std::optional<WorkloadFacts>>;

// Answers calls by their full name ("/runtime.v1.RuntimeService/Version").
class CriServer : public grpc::CallbackGenericService {
 public:
  struct Reply {
    grpc::Status status;
    std::string message;
  };
  using Handler = std::function<Reply(const std::string& method)>;

  CriServer(const std::string& path, Handler handler) : handler_(std::move(handler)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
    builder.SetMaxSendMessageSize(-1);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  ~CriServer() override { server_->Shutdown(std::chrono::system_clock::now()); }
  CriServer(const CriServer&) = delete;
  CriServer& operator=(const CriServer&) = delete;

 private:
  class Call : public grpc::ServerGenericBidiReactor {
   public:
    explicit Call(const CriServer& server, const std::string& method)
        : reply_(server.handler_(method)) {
      if (reply_.status.error_code() == grpc::StatusCode::DO_NOT_USE) return;  // never
      if (!reply_.status.ok()) {
        Finish(reply_.status);
        return;
      }
      StartRead(&request_);
    }
    void OnReadDone(bool) override {
      grpc::Slice slice(reply_.message);
      answer_ = grpc::ByteBuffer(&slice, 1);
      StartWriteAndFinish(&answer_, {}, grpc::Status::OK);
    }
    void OnCancel() override {
      if (reply_.status.error_code() == grpc::StatusCode::DO_NOT_USE) {
        Finish(grpc::Status::CANCELLED);
      }
    }
    void OnDone() override { delete this; }

   private:
    const Reply reply_;
    grpc::ByteBuffer request_, answer_;
  };
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Call(*this, context->method());
  }

  const Handler handler_;
  std::unique_ptr<grpc::Server> server_;
};

CriServer::Reply reply(const google::protobuf::MessageLite& message) {
  return {grpc::Status::OK, message.SerializeAsString()};
}

class CriClient : public testing::Test {
 protected:
  CriClient() {
    version_.set_runtime_name("containerd");
    cri::Container& container = *listed_.add_containers();
    container.set_id(kId);
    container.set_pod_sandbox_id(kSandbox);
    container.mutable_metadata()->set_name("main");
    container.mutable_image()->set_image("sha256:1234");  // as under a kubelet
    container.set_created_at(1'700'000'000'000'000'000);
    cri::ContainerStatus& status = *status_.mutable_status();
    status.mutable_image()->set_image("reg.example/app:2.3");
    status.set_image_ref("reg.example/app@sha256:5678");
    cri::PodSandboxStatus& sandbox = *sandbox_.mutable_status();
    sandbox.set_id(kSandbox);
    sandbox.mutable_metadata()->set_name("web-0");
    sandbox.mutable_metadata()->set_namespace_("payments");
    sandbox.mutable_metadata()->set_uid("u-1");
    (*sandbox.mutable_labels())["tier"] = "front";
    (*sandbox.mutable_labels())["io.kubernetes.pod.name"] = "web-0";
  }
  CriServer::Reply answer(const std::string& method) const {
    const std::string service = "/runtime." + served_ + ".RuntimeService/";
    if (!method.starts_with(service)) return {{grpc::StatusCode::UNIMPLEMENTED, ""}, ""};
    const std::string name = method.substr(service.size());
    if (name == "Version") return reply(version_);
    if (name == "ListContainers") return reply(listed_);
    if (name == "ContainerStatus") return reply(status_);
    if (name == "PodSandboxStatus") return reply(sandbox_);
    return {{grpc::StatusCode::UNIMPLEMENTED, ""}, ""};
  }
  Answer ask(const CriServer::Handler& handler, const std::string& id = kId) const {
    const std::string path = tree_ / "s";
    const CriServer server(path, handler);
    return make_cri_client("/run/containerd.sock", path)->container(id);
  }
  Answer ask(const std::string& id = kId) const {
    return ask([this](const std::string& method) { return answer(method); }, id);
  }

  TempTree tree_;
  std::string served_ = "v1";
  cri::VersionResponse version_;
  cri::ListContainersResponse listed_;
  cri::ContainerStatusResponse status_;
  cri::PodSandboxStatusResponse sandbox_;
};

TEST_F(CriClient, TellsAPodsContainerInBothVersions) {
  for (const char* version : {"v1", "v1alpha2"}) {
    served_ = version;
    const Answer answer = ask();
    ASSERT_TRUE(answer) << answer.error().message();
    ASSERT_TRUE(*answer);
    const Workload& workload = *(*answer)->workload;
    EXPECT_EQ(workload.container.runtime, "containerd");
    EXPECT_EQ(workload.container.name, "main");
    EXPECT_EQ(workload.container.image_name, "reg.example/app");
    EXPECT_EQ(workload.container.image_tag, "2.3");
    EXPECT_EQ(workload.container.image_digest, "sha256:5678");
    EXPECT_EQ(workload.orchestrator.type, "kubernetes");
    EXPECT_EQ(workload.orchestrator.namespace_, "payments");
    EXPECT_EQ(workload.orchestrator.resource_name, "web-0");
    EXPECT_EQ(workload.orchestrator.resource_id, "u-1");
    EXPECT_EQ(workload.orchestrator.resource_labels,
              (std::map<std::string, std::string>{{"tier", "front"}}));
    EXPECT_EQ((*answer)->missing, 0);
    EXPECT_EQ((*answer)->sandbox_id, kSandbox);
  }
}

TEST_F(CriClient, TheSandboxItselfIsItsPods) {
  const Answer answer = ask(kSandbox);
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->workload->container.id, kSandbox);
  EXPECT_EQ((*answer)->workload->orchestrator.resource_name, "web-0");
  EXPECT_EQ((*answer)->missing, 0);
}

TEST_F(CriClient, AnUnknownContainerIsNoError) {
  const Answer answer = ask(
      [&](const std::string& method) {
        if (method.ends_with("/PodSandboxStatus")) {
          return CriServer::Reply{{grpc::StatusCode::NOT_FOUND, "no such sandbox"}, ""};
        }
        return this->answer(method);
      },
      std::string(64, 'c'));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_FALSE(*answer);
}

TEST_F(CriClient, WhatIsNoAnswerIsAnError) {
  EXPECT_FALSE(ask([](const std::string&) {
    return CriServer::Reply{grpc::Status::OK, "\xff\xff\xff\xff no message"};
  }));
  EXPECT_FALSE(ask([](const std::string&) {
    return CriServer::Reply{{grpc::StatusCode::INTERNAL, std::string(5000, 'x')}, ""};
  }));
  EXPECT_FALSE(ask([](const std::string&) {  // neither version
    return CriServer::Reply{{grpc::StatusCode::UNIMPLEMENTED, ""}, ""};
  }));
}

TEST_F(CriClient, AHugeAnswerIsTakenAndCut) {
  auto& labels = *sandbox_.mutable_status()->mutable_labels();
  for (int i = 0; i < 40'000; ++i) labels["zz" + std::to_string(i)] = std::string(250, 'v');
  labels["too-long"] = std::string(4096, 'v');
  ASSERT_GT(sandbox_.ByteSizeLong(), 10U << 20);
  status_.mutable_status()->mutable_image()->set_image(std::string(100'000, 'i'));
  const Answer answer = ask();
  ASSERT_TRUE(answer) << answer.error().message();
  ASSERT_TRUE(*answer);
  const Workload& workload = *(*answer)->workload;
  EXPECT_LE(workload.container.image_name->size(), 512U);
  std::size_t bytes = 0;
  for (const auto& [key, value] : *workload.orchestrator.resource_labels) {
    bytes += key.size() + value.size();
  }
  EXPECT_LE(bytes, 2U << 20);
  EXPECT_TRUE(workload.orchestrator.resource_labels->contains("tier"));
  EXPECT_EQ(workload.orchestrator.resource_labels->at("too-long").size(), 256U);
}

TEST_F(CriClient, AnAnswerBeyondTheLimitIsAnError) {
  (*sandbox_.mutable_status()->mutable_labels())["x"] = std::string(kMostAnswerBytes + 1, 'v');
  EXPECT_FALSE(ask());
}

TEST_F(CriClient, ARuntimeThatDoesNotAnswerIsGivenUp) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(ask([](const std::string&) {
    return CriServer::Reply{{grpc::StatusCode::DO_NOT_USE, ""}, ""};
  }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3 * RuntimeApi::kCallTakes);
}

TEST_F(CriClient, ARuntimeThatComesBackIsReachedAgain) {
  const std::string path = tree_ / "s";
  const auto client = make_cri_client("/run/containerd.sock", path);
  EXPECT_FALSE(client->container(kId));
  const CriServer server(path, [this](const std::string& method) { return answer(method); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  Answer answer = client->container(kId);
  while (!answer && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    answer = client->container(kId);
  }
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_TRUE(*answer);
}

}  // namespace
}  // namespace holdfast
