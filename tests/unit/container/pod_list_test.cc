#include "container/pod_list.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

const std::string kId(64, 'a'), kOther(64, 'b'), kSandbox(64, 'c');

std::string pod(const std::string& uid, const std::string& containers, const std::string& status,
                const std::string& init = "[]") {
  return R"({"metadata":{"name":"web-0","namespace":"shop","uid":")" + uid +
         R"(","labels":{"app":"web","a/b":"c"},"annotations":{"uid":"other","name":"x"},)" +
         R"("ownerReferences":[{"name":"rs","uid":"o"}],"managedFields":[{"fieldsV1":)" +
         R"({"f:metadata":{"f:labels":{"uid":"z"}}}}]},"spec":{"containers":)" + containers +
         R"(,"initContainers":)" + init + R"(,"nodeName":"n"},"status":)" + status + "}";
}

std::string list(const std::string& items) {
  return R"({"kind":"PodList","apiVersion":"v1","metadata":{},"items":[)" + items + "]}";
}

// Of a pod of uid "u".
std::optional<WorkloadFacts> facts(const std::string& text, const std::string& id = kId) {
  const auto pods = parse_pod_list(text);
  EXPECT_TRUE(pods) << text;
  return pods ? container_facts(*pods, "u", id) : std::nullopt;
}

const std::string kMain = R"([{"name":"main","image":"reg.example/app:2.3"}])";
const std::string kStarted =
    R"({"containerStatuses":[{"name":"main","image":"docker.io/library/app:2.3",)"
    R"("imageID":"docker.io/library/app@sha256:12ab","containerID":"containerd://)" +
    kId + R"("}]})";

TEST(PodList, AContainerByItsStatus) {
  const auto told = facts(list(pod("t", "[]", "{}") + "," + pod("u", kMain, kStarted)));
  ASSERT_TRUE(told);
  const Workload& workload = *told->workload;
  EXPECT_EQ(workload.container.name, "main");
  EXPECT_EQ(workload.container.runtime, "containerd");
  EXPECT_EQ(workload.container.image_name, "docker.io/library/app");
  EXPECT_EQ(workload.container.image_tag, "2.3");
  EXPECT_EQ(workload.container.image_digest, "sha256:12ab");
  EXPECT_EQ(workload.orchestrator.type, "kubernetes");
  EXPECT_EQ(workload.orchestrator.namespace_, "shop");
  EXPECT_EQ(workload.orchestrator.resource_name, "web-0");
  EXPECT_EQ(workload.orchestrator.resource_id, "u");
  EXPECT_EQ(workload.orchestrator.resource_labels,
            (std::map<std::string, std::string>{{"app", "web"}, {"a/b", "c"}}));
  EXPECT_TRUE(told->claimed);
  EXPECT_FALSE(told->provisional);
  EXPECT_EQ(told->missing, 0);
}

TEST(PodList, InitAndEphemeralContainers) {
  for (const char* kind : {"initContainerStatuses", "ephemeralContainerStatuses"}) {
    const auto told = facts(
        list(pod("u", kMain,
                 std::string("{\"") + kind +
                     R"(":[{"name":"i","image":"i:1","containerID":"cri-o://)" + kId + "\"}]}")));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->workload->container.name, "i");
    EXPECT_EQ(told->workload->container.runtime, "cri-o");
  }
}

TEST(PodList, WithoutAStatusThePodIsKnownAllTheSame) {
  const std::string two = R"([{"name":"a","image":"reg.example/a:1"},{"name":"b","image":"b"}])";
  const auto told = facts(list(pod("u", two, "{}")));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->workload->orchestrator.resource_labels->at("app"), "web");
  EXPECT_FALSE(told->workload->container.name);
  EXPECT_EQ(told->missing, kImageFact);
  EXPECT_TRUE(told->provisional);
}

TEST(PodList, APodsOnlyContainerIsKnownBeforeItsStatus) {
  const auto told = facts(list(pod("u", kMain, "{}")));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->workload->container.name, "main");
  EXPECT_EQ(told->workload->container.image_name, "reg.example/app");
  EXPECT_EQ(told->missing, 0);
  EXPECT_TRUE(told->provisional);  // it may be the sandbox
  // With an init container there are two.
  EXPECT_EQ(facts(list(pod("u", kMain, "{}", kMain)))->missing, kImageFact);
}

// A runtime names them otherwise than the pod's author: no selector may take the one for the other.
TEST(PodList, AShortImageNameIsNotBelieved) {
  for (const char* image : {"nginx", "nginx:1.25", "team/app:1", "reg.example/app",
                            "reg.example/app@sha256:12", "sha256:12"}) {
    const auto told =
        facts(list(pod("u", R"([{"name":"main","image":")" + std::string(image) + "\"}]", "{}")));
    ASSERT_TRUE(told);
    EXPECT_FALSE(told->workload->container.image_name) << image;
    EXPECT_EQ(told->missing, kImageFact) << image;
  }
}

TEST(PodList, ASandboxBesideItsContainerIsNotThatContainer) {
  const auto told = facts(list(pod("u", kMain, kStarted)), kSandbox);
  ASSERT_TRUE(told);
  EXPECT_FALSE(told->workload->container.name);
  EXPECT_FALSE(told->workload->container.image_name);
  EXPECT_EQ(told->workload->orchestrator.resource_name, "web-0");
  EXPECT_EQ(told->missing, 0);
}

TEST(PodList, AnImageByDigestHasThePodsName) {
  const auto told = facts(
      list(pod("u", kMain,
               R"({"containerStatuses":[{"name":"main","image":"sha256:0f","containerID":"c://)" +
                   kId + "\"}]}")));
  EXPECT_EQ(told->workload->container.image_name, "reg.example/app");
}

// Whoever writes a pod's status could name another pod's container.
TEST(PodList, OnlyItsOwnPodTellsOfAContainer) {
  const auto pods = parse_pod_list(list(pod("u", kMain, kStarted)));
  ASSERT_TRUE(pods);
  EXPECT_FALSE(container_facts(*pods, "v", kId));
  EXPECT_FALSE(container_facts(*pods, "", kId));
  EXPECT_FALSE(container_facts(*pods, "o", kId));  // the owner's
}

TEST(PodList, TheFirstPodOfAUidCounts) {
  EXPECT_EQ(parse_pod_list(list(pod("u", kMain, kStarted) + "," + pod("u", "[]", "{}")))
                ->at("u")
                .containers.size(),
            1U);
}

TEST(PodList, NoPodsAreAListToo) {
  EXPECT_TRUE(parse_pod_list(R"({"kind":"PodList","items":null})"));
  EXPECT_TRUE(parse_pod_list(list(""))->empty());
}

TEST(PodList, OtherTextIsNone) {
  for (const std::string& text :
       {std::string(), std::string("Unauthorized"), std::string("{}"), std::string("[]"),
        std::string(R"({"kind":"Status","code":401})"), list("{").substr(0, 70),
        list(std::string(100, '[') + std::string(100, ']'))}) {
    EXPECT_FALSE(parse_pod_list(text)) << text;
  }
}

TEST(PodList, WrongTypesAreAbsent) {
  for (const char* item :
       {"1", "null", "[]", "\"u\"", R"({"metadata":[]})", R"({"metadata":{"uid":1,"name":[]}})",
        R"({"metadata":{"uid":"","name":"n"}})", R"({"uid":"u","name":"n"})",
        R"({"metadata":{"uid":"u"}})"}) {
    const auto pods = parse_pod_list(list(item));
    ASSERT_TRUE(pods) << item;
    EXPECT_TRUE(pods->empty()) << item;
  }
  const auto told = facts(list(
      R"({"metadata":{"uid":"u","name":"x","labels":["a"]},"spec":{"containers":["x",{"name":1},[]]},)"
      R"("status":{"containerStatuses":["x",{"containerID":"noscheme"}]}})"));
  ASSERT_TRUE(told);
}

TEST(PodList, MoreThanANodeCanHaveIsNoList) {
  std::string parts, pods;
  for (int i = 0; i < 300000; ++i) parts += i == 0 ? "{}" : ",{}";
  EXPECT_FALSE(parse_pod_list(list(pod("u", "[" + parts + "]", "{}"))));
  for (int i = 0; i < 9000; ++i) {
    pods +=
        (i == 0 ? "" : ",") + (R"({"metadata":{"name":"n","uid":")" + std::to_string(i)) + "\"}}";
  }
  EXPECT_FALSE(parse_pod_list(list(pods)));
}

// Sixteen megabytes of what nobody asked for.
TEST(PodList, LongTextIsReadInTime) {
  std::string many;
  for (int i = 0; i < 4000000; ++i) many += i == 0 ? "[]" : ",[]";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(parse_pod_list(list(many)));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace holdfast
