#include "daemon/identity_store.h"

#include <gtest/gtest.h>

#include <future>

#include "../container/temp_tree.h"
#include "../container/tls_server.h"
#include "../container/unix_server.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;
const std::string kId(64, 'a');
const std::string kOuter(64, 'b');

std::string docker_container(const std::string& id, const std::string& tier) {
  return http(R"({"Id":")" + id +
              R"(","Config":{"Image":"app:1","Labels":{"io.kubernetes.pod.name":)" +
              R"("web-0","tier":")" + tier + "\"}}}");
}

ContainerCgroup cgroup_of(const std::string& id, const std::string& above = "") {
  return {.container_id = id, .directory = above + "/docker/" + id, .pids = {1}};
}

// A runtime that answers when it is let.
class Gate {
 public:
  void open() { opened_.set_value(); }
  void wait() const { open_.wait_for(std::chrono::seconds(10)); }

 private:
  std::promise<void> opened_;
  std::shared_future<void> open_ = opened_.get_future().share();
};

class Store : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only a socket that root owns is asked";
    tree_.directory("run");
  }
  std::unique_ptr<IdentityStore> store(milliseconds timeout = std::chrono::seconds(20)) {
    RuntimePaths paths;
    paths.prefix = tree_.path();
    resolver_ = std::make_unique<WorkloadResolver>(paths);
    IdentitySettings settings;
    settings.prefix = tree_.path();
    settings.docker_sockets = {"/run/d"};
    settings.timeout = timeout;
    settings.cluster_name = "prod";
    settings.kubelet = kubelet_;
    settings.cluster_api = api_;
    return std::make_unique<IdentityStore>(*resolver_, settings);
  }
  std::string socket() const { return tree_ / "run/d"; }
  // Whether it was called within five seconds.
  static bool known(IdentityStore& store, const std::string& id) {
    const auto called = std::make_shared<std::promise<void>>();
    const std::future<void> done = called->get_future();
    store.when_known(id, [called] { called->set_value(); });
    return done.wait_for(std::chrono::seconds(5)) == std::future_status::ready;
  }

  // A server on a loopback port, which is spoken to plainly.
  static KubernetesServer at(const TlsServer& server) {
    return {*parse_server_url(server.url()), "", "", "", {}};
  }
  // Whether it comes true within five seconds.
  static bool soon(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!holds() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    return holds();
  }

  TempTree tree_;
  std::optional<KubernetesServer> kubelet_, api_;
  std::unique_ptr<WorkloadResolver> resolver_;
};

TEST_F(Store, AsksTheRuntimeAndCallsBack) {
  Gate gate;
  const UnixServer server(socket(), [&](const std::string&) {
    gate.wait();
    return docker_container(kId, "front");
  });
  const auto store = this->store();
  store->set_present({cgroup_of(kId)});
  EXPECT_NE(store->of(kId).missing & kLabelsFact, 0);
  EXPECT_FALSE(store->of(kId).overdue);
  gate.open();
  ASSERT_TRUE(known(*store, kId));
  const Identity who = store->of(kId);
  EXPECT_EQ(who.missing, 0);
  EXPECT_TRUE(who.managed);
  EXPECT_EQ(who.workload->orchestrator.resource_labels->at("tier"), "front");
  EXPECT_EQ(who.workload->orchestrator.cluster_name, "prod");
  EXPECT_EQ(server.requests(), 1);  // and no more of it
}

TEST_F(Store, AWaitEndsAtItsTimeAndThenNobodyWaits) {
  Gate gate;
  const UnixServer server(socket(), [&](const std::string&) {
    gate.wait();
    return docker_container(kId, "front");
  });
  const auto store = this->store(milliseconds(50));
  store->set_present({cgroup_of(kId)});
  ASSERT_TRUE(known(*store, kId));
  const Identity who = store->of(kId);
  EXPECT_NE(who.missing & kLabelsFact, 0);
  EXPECT_TRUE(who.overdue);
  bool at_once = false;
  store->when_known(kId, [&] { at_once = true; });
  EXPECT_TRUE(at_once);
  gate.open();
}

TEST_F(Store, WhatNoRuntimeKnowsIsUnmanagedOnceItHasProcesses) {
  const UnixServer server(socket(), [](const std::string&) { return http("{}", "404 No"); });
  const auto store = this->store(milliseconds(100));
  store->appeared(kId);
  ASSERT_TRUE(known(*store, kId));  // by the timeout: a runtime may be about to know it
  EXPECT_NE(store->of(kId).missing, 0);
  store->set_present({cgroup_of(kId)});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (store->of(kId).missing != 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(store->of(kId).missing, 0);
  EXPECT_FALSE(store->of(kId).managed);
}

TEST_F(Store, ARuntimeThatComesBackIsAskedAgain) {
  const auto store = this->store(milliseconds(100));
  {
    const UnixServer broken(socket(), [](const std::string&) { return http("no JSON"); });
    store->set_present({cgroup_of(kId)});
    ASSERT_TRUE(known(*store, kId));
    ASSERT_EQ(store->apis().size(), 1U);
    EXPECT_NE(store->apis()[0].error, "");
  }
  unlink(socket().c_str());
  const UnixServer server(socket(),
                          [](const std::string&) { return docker_container(kId, "front"); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (store->of(kId).missing != 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(store->of(kId).missing, 0);
  EXPECT_FALSE(store->of(kId).overdue);
  EXPECT_EQ(store->apis()[0].error, "");
}

// containerd tells of a sandbox when it is done with its start.
TEST_F(Store, WhatARuntimeClaimsLateIsItsAfterAll) {
  std::atomic<bool> known_to_it{false};
  const UnixServer server(socket(), [&](const std::string&) {
    return known_to_it ? docker_container(kId, "front") : http("{}", "404 No");
  });
  const auto store = this->store();
  store->set_present({cgroup_of(kId)});
  ASSERT_TRUE(known(*store, kId));
  EXPECT_FALSE(store->of(kId).managed);
  known_to_it = true;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!store->of(kId).managed && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_TRUE(store->of(kId).managed);
  EXPECT_EQ(store->of(kId).workload->orchestrator.resource_labels->at("tier"), "front");
}

TEST_F(Store, FilesThatCameLateAreReadAtAnAct) {
  const auto store = this->store();
  store->set_present({cgroup_of(kId)});
  ASSERT_TRUE(known(*store, kId));
  EXPECT_FALSE(store->of(kId).workload->container.image_name);
  tree_.file("var/lib/docker/containers/" + kId + "/config.v2.json",
             R"({"ID":")" + kId + R"(","Config":{"Image":"app:1"}})");
  EXPECT_EQ(store->of(kId).workload->container.image_name, "app");
  EXPECT_TRUE(store->of(kId).managed);
}

// What a container calls its own child cgroups makes it nobody else.
TEST_F(Store, ANestedContainerIsTheOuterOne) {
  const UnixServer server(socket(), [](const std::string& request) {
    return request.find(kOuter) != std::string::npos ? docker_container(kOuter, "outer")
                                                     : docker_container(kId, "inner");
  });
  const auto store = this->store();
  store->set_present({cgroup_of(kOuter), cgroup_of(kId, "/docker/" + kOuter)});
  ASSERT_TRUE(known(*store, kOuter));
  EXPECT_EQ(store->of(kId).workload->container.id, kOuter);
  EXPECT_EQ(store->of(kId).workload->orchestrator.resource_labels->at("tier"), "outer");
}

TEST_F(Store, AnothersSocketIsNotAsked) {
  const UnixServer server(socket(),
                          [](const std::string&) { return docker_container(kId, "front"); });
  ASSERT_EQ(chown(socket().c_str(), 1000, 1000), 0);
  const auto store = this->store();
  store->set_present({cgroup_of(kId)});
  ASSERT_TRUE(known(*store, kId));
  EXPECT_FALSE(store->of(kId).managed);
  EXPECT_EQ(server.requests(), 0);
}

std::string pods_of(const std::string& status) {
  return http(R"({"items":[{"metadata":{"name":"web-0","namespace":"shop","uid":"u-1","labels":)" +
              std::string(R"({"tier":"front"}},"spec":{"containers":[{"name":"main","image":)") +
              R"("app"},{"name":"b"}]},"status":)" + status + "}]}");
}

ContainerCgroup in_pod(const std::string& id) {
  return {.container_id = id, .directory = "/kubepods/podu-1/" + id, .pids = {1}};
}

TEST_F(Store, TheKubeletTellsWhereNoRuntimeDoes) {
  std::atomic<bool> started{false};
  const TlsServer server(nullptr, [&](auto&, auto& send) {
    send(pods_of(started ? R"({"containerStatuses":[{"name":"main","image":"app:1",)"
                           R"("containerID":"containerd://)" +
                               kId + "\"}]}"
                         : "{}"));
  });
  kubelet_ = at(server);
  const auto store = this->store();
  store->set_present({in_pod(kId)});
  // The pod first; the container when the kubelet knows it.
  ASSERT_TRUE(soon([&] { return store->of(kId).missing == kImageFact; }));
  EXPECT_EQ(store->of(kId).workload->orchestrator.resource_labels->at("tier"), "front");
  EXPECT_EQ(store->of(kId).workload->orchestrator.resource_id, "u-1");
  EXPECT_TRUE(store->of(kId).managed);
  started = true;
  ASSERT_TRUE(known(*store, kId));
  EXPECT_EQ(store->of(kId).workload->container.image_tag, "1");
  EXPECT_EQ(store->of(kId).workload->container.name, "main");
  EXPECT_EQ(store->of(kId).missing, 0);
  ASSERT_EQ(store->apis().size(), 1U);
  EXPECT_EQ(store->apis()[0].error, "");
}

TEST_F(Store, TheKubeletIsNotAskedWhereARuntimeTells) {
  const TlsServer kubelet(nullptr, [](auto&, auto& send) { send(pods_of("{}")); });
  kubelet_ = at(kubelet);
  const UnixServer server(socket(),
                          [](const std::string&) { return docker_container(kId, "back"); });
  const auto store = this->store();
  store->set_present({in_pod(kId)});
  ASSERT_TRUE(known(*store, kId));
  EXPECT_EQ(store->of(kId).workload->orchestrator.resource_labels->at("tier"), "back");
  EXPECT_EQ(kubelet.connections(), 0);
}

// By an annotation or a child cgroup somebody could make himself another's pod.
TEST_F(Store, AContainerOfNoPodIsNotAskedFor) {
  const TlsServer kubelet(nullptr, [](auto&, auto& send) { send(pods_of("{}")); });
  kubelet_ = at(kubelet);
  tree_.file("run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json",
             R"({"annotations":{"io.kubernetes.pod.uid":"u-1","io.kubernetes.pod.name":"x"}})");
  const auto store = this->store(milliseconds(100));
  store->set_present({cgroup_of(kId), cgroup_of(kOuter, "/docker/" + kId + "/kubepods/podu-1")});
  ASSERT_TRUE(known(*store, kId));
  ASSERT_TRUE(known(*store, kOuter));
  EXPECT_EQ(kubelet.connections(), 0);
}

TEST_F(Store, AKubeletThatFailsIsToldOfAndAskedAgain) {
  std::atomic<bool> works{false};
  const TlsServer server(nullptr, [&](auto&, auto& send) {
    send(works ? pods_of("{}") : http("{}", "403 Forbidden"));
  });
  kubelet_ = at(server);
  const auto store = this->store();
  store->set_present({in_pod(kId)});
  ASSERT_TRUE(soon([&] { return !store->apis().empty() && !store->apis()[0].error.empty(); }));
  EXPECT_NE(store->of(kId).missing & kLabelsFact, 0);
  works = true;
  EXPECT_TRUE(soon([&] { return store->of(kId).missing == kImageFact; }));
  EXPECT_EQ(store->apis()[0].error, "");
}

TEST_F(Store, AKubeletThatHangsHoldsUpNoRuntime) {
  Gate gate;
  const TlsServer kubelet(nullptr, [&](auto&, auto&) { gate.wait(); });
  kubelet_ = at(kubelet);
  const UnixServer server(socket(), [](const std::string& request) {
    return request.find(kOuter) == std::string::npos ? http("{}", "404 No")
                                                     : docker_container(kOuter, "front");
  });
  const auto store = this->store();
  std::vector<ContainerCgroup> present;
  for (const char c : std::string("0123456789")) present.push_back(in_pod(std::string(64, c)));
  store->set_present(present);
  ASSERT_TRUE(soon([&] { return kubelet.requests() == 1; }));
  present.push_back(cgroup_of(kOuter));
  const auto begin = std::chrono::steady_clock::now();
  store->set_present(present);
  ASSERT_TRUE(soon([&] { return store->of(kOuter).missing == 0; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(1000));
  gate.open();
}

TEST_F(Store, TheClusterIsMissingUntilItsApiTells) {
  Gate gate;
  std::atomic<int> asked{0};
  const TlsServer api(nullptr, [&](auto&, auto& send) {
    if (++asked == 1) return (void)send(http("{}", "403 Forbidden"));
    gate.wait();
    send(http(R"({"metadata":{"uid":"c-1"}})"));
  });
  api_ = at(api);
  const UnixServer server(socket(),
                          [](const std::string&) { return docker_container(kId, "front"); });
  const auto store = this->store();
  store->set_present({cgroup_of(kId)});
  ASSERT_TRUE(soon([&] { return store->of(kId).missing == kClusterFact; }));
  EXPECT_EQ(store->of(kId).workload->orchestrator.cluster_name, "prod");
  ASSERT_TRUE(soon([&] { return asked == 2; }));
  EXPECT_EQ(store->apis().size(), 2U);
  std::promise<void> called;
  store->when_known(kId, [&] { called.set_value(); });
  gate.open();
  ASSERT_EQ(called.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
  EXPECT_EQ(store->of(kId).workload->orchestrator.cluster_id, "c-1");
  EXPECT_EQ(store->of(kId).missing, 0);
  for (const auto& runtime : store->apis()) EXPECT_EQ(runtime.error, "");
}

TEST_F(Store, NobodyWaitsForAClusterThatIsNotTold) {
  api_ = KubernetesServer{*parse_server_url("http://127.0.0.1:1"), "", "", "", {}};
  const UnixServer server(socket(),
                          [](const std::string&) { return docker_container(kId, "front"); });
  const auto store = this->store(milliseconds(100));
  store->set_present({cgroup_of(kId)});
  ASSERT_TRUE(known(*store, kId));
  EXPECT_TRUE(soon([&] { return store->of(kId).missing == kClusterFact; }));
  EXPECT_TRUE(store->of(kId).overdue);
}

TEST_F(Store, ReleaseEndsAllWaits) {
  Gate gate;
  const UnixServer server(socket(), [&](const std::string&) {
    gate.wait();
    return http("{}", "404 No");
  });
  const auto store = this->store();
  store->set_present({cgroup_of(kId)});
  bool called = false;
  store->when_known(kId, [&] { called = true; });
  EXPECT_FALSE(called);
  store->release();
  EXPECT_TRUE(called);
  gate.open();
}

// Containers come and go while others ask: nothing is looked at that has gone.
TEST_F(Store, ManyContainersThatComeAndGo) {
  const auto store = this->store(milliseconds(1));  // no socket: nobody claims them
  std::vector<std::jthread> askers;
  askers.reserve(4);
  std::atomic<int> called{0};
  for (int asker = 0; asker < 4; ++asker) {
    askers.emplace_back([&, asker] {
      for (int i = 0; i < 300; ++i) {
        const std::string id = "c" + std::to_string((i * 7 + asker) % 50);
        store->set_present({cgroup_of(id, i % 2 == 0 ? "" : "/docker/" + kOuter)});
        (void)store->of(id);
        store->when_known(id, [&] { ++called; });
      }
    });
  }
  askers.clear();
  store->release();
  EXPECT_EQ(called, 4 * 300);
}

}  // namespace
}  // namespace holdfast
