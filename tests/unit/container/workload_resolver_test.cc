#include "container/workload_resolver.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "temp_tree.h"

namespace holdfast {
namespace {

const std::string kId = "3f4e0c1d2b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const std::string kLayer(64, 'e');
const std::string kTime = "2024-02-29T12:30:45.5Z";
const std::string kStorage = "var/lib/containers/storage/";
const std::string kTasks = "run/containerd/io.containerd.runtime.v2.task/";

class Resolver : public testing::Test {
 protected:
  WorkloadResolver resolver() const {
    RuntimePaths paths;
    paths.prefix = tree_.path();
    return WorkloadResolver(paths);
  }
  void expect_image(const std::optional<WorkloadFacts>& facts, const std::string& name,
                    const std::string& tag) {
    ASSERT_TRUE(facts.has_value());
    ASSERT_NE(facts->workload, nullptr);
    EXPECT_EQ(facts->workload->container.image_name.value_or(""), name);
    EXPECT_EQ(facts->workload->container.image_tag.value_or(""), tag);
  }
  void expect_created(const std::optional<WorkloadFacts>& facts) {
    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->created, parse_time(kTime));
  }
  void expect_pod(const std::optional<WorkloadFacts>& facts, const std::string& space,
                  const std::string& pod) {
    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->workload->orchestrator.type, "kubernetes");
    EXPECT_EQ(facts->workload->orchestrator.namespace_, space);
    EXPECT_EQ(facts->workload->orchestrator.resource_name, pod);
  }

  TempTree tree_;
};

std::string storage_list(const std::string& metadata) {
  return R"([{"id":"other","layer":"x"},{"id":")" + kId + R"(","names":["web"],"layer":")" +
         kLayer + R"(","metadata":)" + metadata + R"(,"created":")" + kTime + R"("}])";
}

TEST_F(Resolver, Podman) {
  tree_.file(
      kStorage + "overlay-containers/containers.json",
      storage_list(R"("{\"image-name\":\"docker.io/library/nginx:1.25\",\"name\":\"web\"}")"));
  for (const auto& facts :
       {resolver().by_id(kId),
        resolver().by_mount_point("/var/lib/containers/storage/overlay/" + kLayer + "/merged")}) {
    expect_image(facts, "docker.io/library/nginx", "1.25");
    expect_created(facts);
    EXPECT_EQ(facts->workload->container.id, kId);
    EXPECT_EQ(facts->workload->container.name, "web");
    EXPECT_EQ(facts->workload->orchestrator.type, std::nullopt);
  }
  EXPECT_FALSE(resolver().by_mount_point("/var/lib/containers/storage/overlay/zz/merged"));
  EXPECT_FALSE(resolver().by_mount_point("/var/lib/containers/storage/overlay/" + kLayer));
}

TEST_F(Resolver, PodmanVolatileAndVfsContainers) {
  const std::string list = storage_list(R"("{\"image-name\":\"localhost/bb:latest\"}")");
  for (const char* path : {"var/lib/containers/storage/overlay-containers/volatile-containers.json",
                           "var/lib/containers/storage/vfs-containers/containers.json",
                           "run/containers/storage/overlay-containers/volatile-containers.json"}) {
    tree_.file(path, list);
    expect_image(resolver().by_id(kId), "localhost/bb", "latest");
    std::filesystem::remove(tree_ / path);
    EXPECT_FALSE(resolver().by_id(kId)) << path;
  }
}

TEST_F(Resolver, PodmanWithoutAnImageName) {
  for (const char* metadata :
       {R"("{\"image-name\":\"\"}")", R"("{\"image-name\":7}")", R"("not json")", "7", "null"}) {
    tree_.file(kStorage + "overlay-containers/containers.json", storage_list(metadata));
    const auto facts = resolver().by_id(kId);
    expect_image(facts, "", "");
    EXPECT_EQ(facts->workload->container.image_name, std::nullopt);
  }
}

TEST_F(Resolver, StorageBehindAnAbsoluteLink) {
  tree_.file("data/storage/overlay-containers/containers.json",
             storage_list(R"("{\"image-name\":\"a:b\"}")"));
  tree_.link("/data/storage", "var/lib/containers/storage");
  expect_image(resolver().by_mount_point("/data/storage/overlay/" + kLayer + "/merged"), "a", "b");
}

TEST_F(Resolver, CriO) {
  tree_.file(kStorage + "overlay-containers/containers.json",
             storage_list(R"("{\"pod-name\":\"k8s_web\",\"image-name\":\"\"}")"));
  tree_.file(kStorage + "overlay-containers/" + kId + "/userdata/config.json", R"({"annotations":{
      "io.kubernetes.cri-o.ImageName":"quay.io/team/app:2.3",
      "io.kubernetes.cri-o.Labels":
          "{\"io.kubernetes.container.name\":\"app\",\"io.kubernetes.pod.name\":\"app-7d4\",\"io.kubernetes.pod.namespace\":\"shop\"}"}})");
  const auto facts = resolver().by_id(kId);
  expect_image(facts, "quay.io/team/app", "2.3");
  expect_pod(facts, "shop", "app-7d4");
  EXPECT_EQ(facts->workload->container.name, "app");
}

TEST_F(Resolver, Docker) {
  tree_.file(
      "var/lib/docker/containers/" + kId + "/config.v2.json",
      R"({"ID":"x","Created":")" + kTime +
          R"(","Name":"/web","Image":"sha256:a24bb4","Config":{"Image":"nginx:1.25","Labels":{}}})");
  tree_.file("var/lib/docker/image/overlay2/layerdb/mounts/" + kId + "/mount-id", "cafe01\n");
  for (const auto& facts :
       {resolver().by_id(kId), resolver().by_mount_point("/var/lib/docker/overlay2/cafe01/merged"),
        resolver().by_mount_point("/var/lib/docker/rootfs/overlayfs/" + kId)}) {
    expect_image(facts, "nginx", "1.25");
    expect_created(facts);
    EXPECT_EQ(facts->workload->container.id, kId);
    EXPECT_EQ(facts->workload->container.name, "web");
  }
  EXPECT_FALSE(resolver().by_mount_point("/var/lib/docker/overlay2/cafe/merged"));
}

TEST_F(Resolver, DockerUnderKubernetesAndByImageId) {
  tree_.file("var/lib/docker/containers/" + kId + "/config.v2.json",
             R"({"Name":"/k8s_app_pod","Image":"sha256:a24bb4013296f61e","Config":{
                 "Image":"a24bb4013296","Labels":{"io.kubernetes.pod.name":"app-7d4",
                 "io.kubernetes.pod.namespace":"shop","io.kubernetes.container.name":"app"}}})");
  const auto facts = resolver().by_id(kId);
  expect_image(facts, "", "");
  expect_pod(facts, "shop", "app-7d4");
  EXPECT_EQ(facts->workload->container.name, "app");
  EXPECT_EQ(facts->created, std::nullopt);
}

TEST_F(Resolver, Containerd) {
  tree_.file(kTasks + "k8s.io/" + kId + "/config.json", R"({"annotations":{
      "io.kubernetes.cri.container-name":"app","io.kubernetes.cri.container-type":"container",
      "io.kubernetes.cri.image-name":"reg.example.test:5000/team/app:2.3",
      "io.kubernetes.cri.sandbox-name":"app-7d4","io.kubernetes.cri.sandbox-namespace":"shop"}})");
  for (const auto& facts :
       {resolver().by_id(kId),
        resolver().by_mount_point("/" + kTasks + "k8s.io/" + kId + "/rootfs")}) {
    expect_image(facts, "reg.example.test:5000/team/app", "2.3");
    expect_pod(facts, "shop", "app-7d4");
    EXPECT_EQ(facts->workload->container.name, "app");
    EXPECT_TRUE(facts->created.has_value());
  }
  EXPECT_FALSE(resolver().by_mount_point("/elsewhere/" + kId + "/rootfs"));
}

TEST_F(Resolver, CtrHasNoAnnotations) {
  tree_.file(kTasks + "default/web/config.json", R"({"annotations":null})");
  const auto facts = resolver().by_id("web");
  expect_image(facts, "", "");
  EXPECT_EQ(facts->workload->container.id, "web");
  EXPECT_EQ(facts->workload->orchestrator.type, std::nullopt);
}

TEST_F(Resolver, BareRunc) {
  tree_.directory("srv/web/rootfs");
  tree_.file("run/runc/web/state.json",
             R"({"id":"web","created":")" + kTime +
                 R"(","config":{"rootfs":"/srv/web/rootfs","labels":["bundle=/srv/web",
                 "io.kubernetes.cri.image-name=a:b","odd",7]}})");
  for (const auto& facts :
       {resolver().by_id("web"), resolver().by_mount_point("/srv/web/rootfs")}) {
    expect_image(facts, "a", "b");
    expect_created(facts);
    EXPECT_EQ(facts->workload->container.id, "web");
  }
  EXPECT_FALSE(resolver().by_mount_point("/srv/web"));
  EXPECT_TRUE(resolver().contains("web"));
  EXPECT_FALSE(resolver().contains("we"));
}

TEST_F(Resolver, AnAnnotationCannotNameTheBundle) {
  tree_.file("srv/evil/config.json",
             R"({"annotations":{"io.kubernetes.cri.image-name":"evil:1"}})");
  tree_.file("srv/web/config.json", R"({"annotations":{"io.kubernetes.cri.image-name":"a:b"}})");
  tree_.file("run/runc/web/state.json",
             R"({"config":{"labels":["bundle=/srv/evil","bundle=/srv/web"]}})");
  expect_image(resolver().by_id("web"), "a", "b");
}

TEST_F(Resolver, AFifoInPlaceOfAStateFileIsNotOpened) {
  tree_.directory("run/runc/web");
  ASSERT_EQ(mkfifo((tree_ / "run/runc/web/state.json").c_str(), 0600), 0);
  EXPECT_FALSE(resolver().by_id("web"));
}

TEST_F(Resolver, BareCrunAndYouki) {
  tree_.directory("srv/crun/rootfs");
  tree_.file("run/crun/one/status", R"({"pid":7,"created":")" + kTime +
                                        R"(","rootfs":"/bundles/rootfs","bundle":"/bundles"})");
  tree_.link("/srv/crun", "bundles");
  tree_.file("srv/youki/config.json",
             R"({"root":{"path":"rootfs"},"annotations":{"io.kubernetes.cri.image-name":"y:1"}})");
  tree_.file("run/youki/two/state.json", R"({"id":"two","bundle":"/srv/youki"})");
  const auto crun = resolver().by_mount_point("/srv/crun/rootfs");
  expect_created(crun);
  EXPECT_EQ(crun->workload->container.id, "one");
  const auto youki = resolver().by_mount_point("/srv/youki/rootfs");
  expect_image(youki, "y", "1");
  EXPECT_EQ(youki->workload->container.id, "two");
}

TEST_F(Resolver, HalfWrittenFilesAreAsIfAbsent) {
  tree_.file(kStorage + "overlay-containers/containers.json", R"([{"id":")" + kId);
  tree_.file("var/lib/docker/containers/" + kId + "/config.v2.json", "");
  tree_.file(kTasks + "k8s.io/" + kId + "/config.json", "[1,2");
  tree_.file("run/runc/" + kId + "/state.json", "null");
  EXPECT_FALSE(resolver().by_id(kId));
  EXPECT_FALSE(resolver().by_mount_point("/var/lib/containers/storage/overlay/x/merged"));
  EXPECT_TRUE(resolver().contains(kId)) << "its directory is there";
}

TEST_F(Resolver, OddTypesAreAsIfAbsent) {
  tree_.file(kStorage + "overlay-containers/containers.json", R"({"id":[]})");
  tree_.file("var/lib/docker/containers/" + kId + "/config.v2.json",
             R"({"Name":7,"Created":{},"Image":[],"Config":{"Image":{},"Labels":[1]}})");
  const auto facts = resolver().by_id(kId);
  expect_image(facts, "", "");
  EXPECT_EQ(facts->workload->container.name, std::nullopt);
  tree_.file("run/crun/odd/status", R"({"rootfs":7,"bundle":[],"created":1})");
  EXPECT_TRUE(resolver().by_id("odd"));
}

TEST_F(Resolver, NamesThatAreNoNames) {
  tree_.file("run/runc/web/state.json", "{}");
  for (const std::string& id :
       {std::string(), std::string("."), std::string(".."), std::string("../runc/web"),
        std::string("web/"), std::string("web\0x", 5)}) {
    EXPECT_FALSE(resolver().contains(id)) << id;
    EXPECT_FALSE(resolver().by_id(id)) << id;
  }
  for (const char* point : {"", "/", "merged", "/merged", "//merged", "/../merged", "/rootfs"}) {
    EXPECT_FALSE(resolver().by_mount_point(point)) << point;
  }
}

}  // namespace
}  // namespace holdfast
