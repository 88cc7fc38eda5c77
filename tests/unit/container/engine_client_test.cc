#include <gtest/gtest.h>

#include <chrono>

#include "container/runtime_api.h"
#include "temp_tree.h"
#include "unix_server.h"

namespace holdfast {
namespace {

const std::string kId(64, 'a');
const std::string kSandbox(64, 'b');

class EngineClient : public testing::Test {
 protected:
  using Answer = Result<std::optional<WorkloadFacts>>;
  std::string socket() const { return tree_ / "s"; }
  // What docker's client makes of one answer.
  Answer docker(const std::string& bytes) const {
    std::filesystem::remove(socket());
    const UnixServer server(socket(), [&](const std::string&) { return bytes; });
    return make_docker_client("/run/docker.sock", socket())->container(kId);
  }
  static std::string inspected(const std::string& config, const std::string& id = kId) {
    return R"({"Id":")" + id + R"(","Name":"/web-1","Image":"sha256:1","Created":)" +
           R"("2024-02-29T12:30:45Z","Config":)" + config + "}";
  }

  TempTree tree_;
};

TEST_F(EngineClient, DockerTellsThePodOfADockershimContainerByItsSandbox) {
  const UnixServer server(socket(), [](const std::string& request) {
    if (request.starts_with("GET /containers/" + kSandbox + "/json ")) {
      return http(
          inspected(R"({"Labels":{"tier":"front","io.kubernetes.pod.name":"web-0"}})", kSandbox));
    }
    if (!request.starts_with("GET /containers/" + kId + "/json ")) return http("{}", "404 No");
    return http(inspected(R"({"Image":"reg.example/app:2.3","Labels":{
      "io.kubernetes.pod.name":"web-0","io.kubernetes.pod.namespace":"payments",
      "io.kubernetes.sandbox.id":")" +
                          kSandbox + "\"}}"));
  });
  const Answer answer = make_docker_client("/run/docker.sock", socket())->container(kId);
  ASSERT_TRUE(answer) << answer.error().message();
  ASSERT_TRUE(*answer);
  const Workload& workload = *(*answer)->workload;
  EXPECT_EQ(workload.container.runtime, "docker");
  EXPECT_EQ(workload.container.name, "web-1");
  EXPECT_EQ(workload.container.image_name, "reg.example/app");
  EXPECT_EQ(workload.container.image_tag, "2.3");
  EXPECT_EQ(workload.orchestrator.namespace_, "payments");
  EXPECT_EQ(workload.orchestrator.resource_labels,
            (std::map<std::string, std::string>{{"tier", "front"}}));
  EXPECT_EQ((*answer)->missing, 0);
  EXPECT_TRUE((*answer)->claimed);
}

TEST_F(EngineClient, PodmanTellsThePod) {
  const UnixServer server(socket(), [](const std::string& request) {
    if (request.find("/libpod/pods/p1/json ") != std::string::npos) {
      return http(R"({"Name":"web","Labels":{"tier":"front"}})");
    }
    return http(R"({"Id":")" + kId + R"(","Pod":"p1","Name":"c","ImageName":"localhost/app:1",)" +
                R"("ImageDigest":"sha256:2","Config":{"Image":"localhost/app:1"}})");
  });
  const Answer answer = make_podman_client("/run/podman.sock", socket())->container(kId);
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->workload->container.runtime, "podman");
  EXPECT_EQ((*answer)->workload->orchestrator.resource_name, "web");
  EXPECT_EQ((*answer)->workload->orchestrator.resource_labels->at("tier"), "front");
  EXPECT_EQ((*answer)->workload->container.image_digest, "sha256:2");
}

TEST_F(EngineClient, AnUnknownContainerIsNoError) {
  const Answer answer = docker(http(R"({"message":"No such container"})", "404 Not Found"));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(*answer);
}

// A name, or the beginning of an id, finds a container too.
TEST_F(EngineClient, AnotherContainersAnswerIsNotBelieved) {
  const Answer answer = docker(http(inspected("{}", kSandbox)));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(*answer);
}

TEST_F(EngineClient, WhatIsNoAnswerIsAnError) {
  for (const std::string& bytes :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"), http("no JSON"),
        http("{}", "500 Internal Server Error"), std::string("\x01\x02\x03"), std::string(),
        http(std::string(200'000, '['))}) {
    EXPECT_FALSE(docker(bytes)) << bytes.substr(0, 40);
    unlink(socket().c_str());
  }
}

TEST_F(EngineClient, ValuesOfOtherTypesArePassedOver) {
  const Answer answer = docker(http(R"({"Id":")" + kId + R"(","Name":7,"Image":[],"Created":{},)" +
                                    R"("Config":{"Image":null,"Labels":["a",1]}})"));
  ASSERT_TRUE(answer && *answer);
  EXPECT_FALSE((*answer)->workload->container.image_name);
  EXPECT_FALSE((*answer)->workload->container.name);
}

TEST_F(EngineClient, AHugeAnswerIsTakenAndCut) {
  std::string labels = R"("io.kubernetes.pod.name":"web-0","tier":"front")";
  for (int i = 0; i < 42'000; ++i) {
    labels += ",\"zz" + std::to_string(i) + "\":\"" + std::string(240, 'v') + "\"";
  }
  const std::string huge = http(
      inspected("{\"Image\":\"" + std::string(100'000, 'i') + "\",\"Labels\":{" + labels + "}}"));
  ASSERT_GT(huge.size(), 10U << 20);
  const Answer answer = docker(huge);
  ASSERT_TRUE(answer && *answer);
  const Workload& workload = *(*answer)->workload;
  EXPECT_LE(workload.container.image_name->size(), 512U);
  std::size_t bytes = 0;
  for (const auto& [key, value] : *workload.orchestrator.resource_labels) {
    bytes += key.size() + value.size();
  }
  EXPECT_LE(bytes, 2U << 20);
  EXPECT_TRUE(workload.orchestrator.resource_labels->contains("tier"));
}

TEST_F(EngineClient, AnAnswerBeyondTheLimitIsAnError) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  for (const char* rest :
       {"Content-Length: 4611686018427387904\r\n\r\n{", "Content-Length: -1\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", "X: y", ""})
    EXPECT_FALSE(docker(head + rest)) << rest;
  const std::string body = "\"" + std::string(kMostAnswerBytes, 'x') + "\"";
  EXPECT_FALSE(docker(head + "\r\n" + body)) << "until its end";
  EXPECT_FALSE(docker(http("\"" + std::string(kMostAnswerBytes, 'x') + "\"")));
}

TEST_F(EngineClient, ARuntimeThatDoesNotAnswerIsGivenUp) {
  const UnixServer* self = nullptr;
  const UnixServer server(socket(), [&](const std::string&) {
    while (!self->stopping()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return std::string();
  });
  self = &server;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(make_docker_client("/run/docker.sock", socket())->container(kId));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3 * RuntimeApi::kCallTakes);
}

TEST_F(EngineClient, NoRequestIsMadeOfAnIdThatIsNone) {
  const UnixServer server(socket(), [](const std::string&) { return http("{}"); });
  const auto client = make_docker_client("/run/docker.sock", socket());
  for (const char* id : {"", "../x", "a b", "a\r\nHost: x"}) {
    const Answer answer = client->container(id);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(*answer);
  }
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(EngineClient, NoSocketIsAnError) {
  EXPECT_FALSE(make_docker_client("/run/docker.sock", socket())->container(kId));
}

}  // namespace
}  // namespace holdfast
