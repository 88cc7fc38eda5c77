#include "container/cgroup_path.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace holdfast {
namespace {

const std::string kA = "3f4e0c1d2b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const std::string kB = "aaaabbbbccccddddeeeeffff0000111122223333444455556666777788889999";
const std::string kPod = "7d5c1a9e-3f0b-4c52-9d1e-0a1b2c3d4e5f";
const std::string kPodUnit = "7d5c1a9e_3f0b_4c52_9d1e_0a1b2c3d4e5f";

struct Case {
  std::string path;
  std::string id;  // "" stands for none
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    EXPECT_EQ(container_of_cgroup(c.path).value_or(""), c.id) << c.path;
  }
}

TEST(CgroupPath, Docker) {
  check({
      {"/docker/" + kA, kA},
      {"/system.slice/docker-" + kA + ".scope", kA},
      {"/system.slice/docker-" + kA + ".scope/init.scope", kA},
      {"/docker/" + kA + "/system.slice/ssh.service", kA},
      {"/docker/" + kA + "/init", kA},
      {"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + kA + ".scope", kA},
      {"/ecs/0123456789abcdef0123456789abcdef/" + kA, kA},
      {"/actions_job/" + kA, kA},
      {"/mycompany.slice/docker-" + kA + ".scope", kA},
      {"/docker", ""},
      {"/docker/buildkit/1x2y3z4a5b6c7d8e9f0g1h2i3", ""},
      {"/system.slice/docker.service", ""},
      {"/system.slice/docker.socket", ""},
      {"/docker/" + kA.substr(0, 12), ""},
  });
}

TEST(CgroupPath, Kubernetes) {
  const std::string slice =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kPodUnit + ".slice";
  check({
      {"/kubepods/burstable/pod" + kPod + "/" + kA, kA},
      {"/kubepods/besteffort/pod" + kPod + "/" + kA, kA},
      {"/kubepods/pod" + kPod + "/" + kA, kA},
      {"/kubepods/burstable/pod" + std::string(32, 'b') + "/" + kA, kA},
      {slice + "/cri-containerd-" + kA + ".scope", kA},
      {slice + "/docker-" + kA + ".scope", kA},
      {slice + "/crio-" + kA + ".scope", kA},
      {slice + "/crio-" + kA + ".scope/container", kA},
      {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + kPodUnit +
           ".slice/cri-containerd-" + kA + ".scope",
       kA},
      {"/kubepods.slice/kubepods-pod" + kPodUnit + ".slice/cri-containerd-" + kA + ".scope", kA},
      {"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + kPodUnit +
           ".slice/cri-containerd-" + kA + ".scope",
       kA},
      {"/kubepods/besteffort/pod" + kPod + "/crio-" + kA, kA},
      {"/system.slice/containerd.service/kubepods-burstable-pod" + kPodUnit +
           ".slice:cri-containerd:" + kA,
       kA},
      {"/k8s.io/" + kA, kA},
      {slice, ""},
      {slice + "/crio-conmon-" + kA + ".scope", ""},
      {"/kubepods/besteffort/pod" + kPod + "/crio-conmon-" + kA, ""},
      {"/kubepods/burstable/pod" + kPod, ""},
      {"/kubepods", ""},
      {"/kubepods.slice", ""},
      {"/kata_overhead/" + kA, ""},
      {"/system.slice/kubelet.service", ""},
      {"/system.slice/containerd.service", ""},
  });
}

TEST(CgroupPath, Podman) {
  check({
      {"/libpod_parent/libpod-" + kA, kA},
      {"/libpod_parent/libpod-" + kA + "/container", kA},
      {"/machine.slice/libpod-" + kA + ".scope", kA},
      {"/machine.slice/libpod-" + kA + ".scope/container", kA},
      {"/machine.slice/libpod-" + kA + ".scope/container/system.slice/x.service", kA},
      {"/machine.slice/machine-libpod_pod_" + kB + ".slice/libpod-" + kA + ".scope", kA},
      {"/libpod_parent/" + kB + "/libpod-" + kA, kA},
      {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kA + ".scope/container",
       kA},
      {"/system.slice/web.service/libpod-payload-" + kA, kA},
      {"/system.slice/web.service/runtime", ""},
      {"/libpod_parent/" + kB, ""},
      {"/machine.slice/machine-libpod_pod_" + kB + ".slice", ""},
      {"/libpod_parent/conmon", ""},
      {"/machine.slice/libpod-conmon-" + kA + ".scope", ""},
      {"/libpod_parent/libpod-conmon-" + kA, ""},
      {"/libpod_parent", ""},
  });
}

TEST(CgroupPath, Ctr) {
  check({
      {"/default/web-1", "web-1"},
      {"/default/web-1/child", "web-1"},
      {"/../default/web-1", "web-1"},
      {"/default/" + kA, kA},
      {"/default", ""},
      {"/default/-web", ""},
      {"/default/we b", ""},
      {"/system.slice/default/web", ""},
  });
}

TEST(CgroupPath, InnermostContainerWins) {
  check({
      {"/docker/" + kA + "/docker/" + kB, kB},
      {"/docker/" + kA + "/kubelet.slice/kubelet-kubepods.slice/cri-containerd-" + kB + ".scope",
       kB},
      {"/docker/" + kA + "/kubepods/burstable/pod" + kPod, kA},
      {"/docker/" + kA + "/machine.slice/libpod-conmon-" + kB + ".scope", kA},
      {"/docker/" + kA + "/buildkit/abc", kA},
  });
}

TEST(CgroupPath, AnotherCgroupNamespaceAndRemovedGroups) {
  check({
      {"/../../burstable/pod" + kPod + "/" + kA, kA},
      {"/../cri-containerd-" + kA + ".scope", kA},
      {"/../..", ""},
      {"/..", ""},
      {"/docker/" + kA + " (deleted)", kA},
  });
}

TEST(CgroupPath, HostPaths) {
  check({
      {"/", ""},
      {"", ""},
      {"//", ""},
      {"/init.scope", ""},
      {"/system.slice/ssh.service", ""},
      {"/user.slice/user-0.slice/session-1.scope", ""},
      {"/machine.slice/systemd-nspawn@web.service/payload", ""},
      {"/lxc.payload.web", ""},
      {"/process_api/fcb7e5ac6266725accc058213e067ff7", ""},
      {"/docker/" + kA + "0", ""},
      {"/docker/" + kA.substr(1) + "G", ""},
      {"/docker/" + kA.substr(1) + "A", ""},
      {"/x/docker_" + kA, ""},
      {"docker/\x01\xff/" + kA + "\n", ""},
  });
}

class FakeIds : public KnownIds {
 public:
  explicit FakeIds(std::set<std::string, std::less<>> ids) : ids_(std::move(ids)) {}
  bool contains(std::string_view id) const override { return ids_.contains(id); }

 private:
  std::set<std::string, std::less<>> ids_;
};

std::string of(const std::string& text, const KnownIds* ids = nullptr) {
  return container_of_process(text, ids).value_or("");
}

TEST(CgroupOfProcess, V2) {
  EXPECT_EQ(of("0::/system.slice/docker-" + kA + ".scope\n"), kA);
  EXPECT_EQ(of("0::/system.slice/ssh.service\n"), "");
  EXPECT_EQ(of("0::/\n"), "");
}

TEST(CgroupOfProcess, V1AndHybrid) {
  EXPECT_EQ(of("9:name=systemd:/docker/" + kA + "\n8:pids:/docker/" + kA +
               "\n2:cpu,cpuacct:/docker/" + kA + "\n0::/\n"),
            kA);
  EXPECT_EQ(of("9:name=systemd:/\n8:pids:/docker/" + kA + "\n0::/system.slice/docker.service\n"),
            kA);
  EXPECT_EQ(of("9:name=systemd:/\n3:cpu,pids:/docker/" + kA + "\n"), kA);
  EXPECT_EQ(of("5:freezer:/docker/" + kA + "\n"), kA);
}

TEST(CgroupOfProcess, UnifiedThenPidsThenSystemdThenOthers) {
  const std::string c(64, 'c');
  const std::string d(64, 'd');
  const std::string freezer = "5:freezer:/docker/" + d + "\n";
  const std::string systemd = "9:name=systemd:/docker/" + c + "\n";
  const std::string pids = "8:pids:/docker/" + kB + "\n";
  EXPECT_EQ(of(freezer + systemd + pids + "0::/docker/" + kA + "\n"), kA);
  EXPECT_EQ(of(freezer + systemd + pids), kB);
  EXPECT_EQ(of(freezer + systemd), c);
  EXPECT_EQ(of(freezer), d);
}

TEST(CgroupOfProcess, NeverBelievesTheMemoryLine) {
  EXPECT_EQ(of("4:memory:/docker/" + kA + "\n"), "");
  EXPECT_EQ(of("4:cpu,memory:/docker/" + kA + "\n0::/\n"), "");
  const FakeIds ids({"web"});
  EXPECT_EQ(of("4:memory:/process_api/web\n0::/\n", &ids), "");
}

TEST(CgroupOfProcess, PathsMayHoldColons) {
  EXPECT_EQ(of("0::/system.slice/kubepods-pod1.slice:cri-containerd:" + kA + "\n"), kA);
}

TEST(CgroupOfProcess, BareRuntimesByKnownIds) {
  const FakeIds ids({"web", "my-app_1", "odd.service"});
  EXPECT_EQ(of("8:pids:/web\n0::/web\n"), "") << "without known ids a name is no container";
  EXPECT_EQ(of("8:pids:/web\n0::/web\n", &ids), "web");
  EXPECT_EQ(of("0::/user.slice/user-0.slice/session-1.scope/web\n", &ids), "web");
  EXPECT_EQ(of("0::/system.slice/runc-web.scope\n", &ids), "web");
  EXPECT_EQ(of("0::/system.slice/crun-my-app_1.scope/container\n", &ids), "my-app_1");
  EXPECT_EQ(of("0::/web/system.slice/cron.service\n", &ids), "web");
  EXPECT_EQ(of("0::/web/my-app_1\n", &ids), "web") << "a container names its own child cgroups";
  EXPECT_EQ(of("0::/system.slice/foo-web.scope\n", &ids), "");
  EXPECT_EQ(of("0::/system.slice/web.service\n", &ids), "");
  EXPECT_EQ(of("0::/odd.service/web\n", &ids), "web");
  EXPECT_EQ(of("0::/odd.service\n", &ids), "odd.service");
  EXPECT_EQ(of("0::/docker/" + kA + "/web\n", &ids), kA) << "a named path is believed first";
  EXPECT_EQ(of("8:pids:/docker/" + kA + "\n0::/web\n", &ids), kA);
}

std::string pod_in(const std::string& path) { return pod_of_cgroup(path).value_or(""); }

TEST(PodOfCgroup, BothDrivers) {
  const std::string uid = "0b1c-2d", slice = "kubepods-burstable-pod0b1c_2d.slice";
  EXPECT_EQ(pod_in("/kubepods/pod" + uid + "/" + kA), uid);
  EXPECT_EQ(pod_in("/kubepods/besteffort/pod" + uid + "/" + kA + "/child"), uid);
  EXPECT_EQ(pod_in("/sys/fs/cgroup/pids/x/kubepods/burstable/pod" + uid + "/" + kA), uid);
  EXPECT_EQ(pod_in("/kubepods.slice/kubepods-burstable.slice/" + slice + "/cri-containerd-" + kA +
                   ".scope"),
            uid);
  EXPECT_EQ(pod_in("/kubepods.slice/kubepods-pod7.slice/crio-" + kA + ".scope/container"), "7");
  EXPECT_EQ(pod_in("/a.slice/a-kubepods.slice/a-kubepods-pod7.slice/crio-" + kA + ".scope"), "7");
  EXPECT_EQ(pod_in(slice + ":cri-containerd:" + kA), uid);  // as systemd's driver is told
  EXPECT_EQ(pod_in("/system.slice/containerd.service/" + slice + ":cri-containerd:" + kA), uid);
}

TEST(PodOfCgroup, NoPod) {
  for (const std::string& path :
       {std::string(), "/docker/" + kA, std::string("/kubepods/podu"), "/kubepods/besteffort/" + kA,
        "/podu/" + kA, "/x/podu/" + kA, "/kubepods/pod/" + kA, "/kubepods/podu_v/" + kA,
        "/kubepods/pod" + std::string(65, 'u') + "/" + kA, "/user.slice/user-podu.slice/x-" + kA,
        "/libpod-podu.slice/libpod-" + kA + ".scope", "user-pod1.slice:x:" + kA,
        "kubepods-pod1:x:" + kA, ":x:" + kA, "/" + kA + "/kubepods/podu"}) {
    EXPECT_EQ(pod_in(path), "") << path;
  }
}

// A container chooses what its child cgroups are called.
TEST(PodOfCgroup, TheOutermostContainersPodCounts) {
  EXPECT_EQ(pod_in("/docker/" + kA + "/kubepods/podu/" + kB), "");
  EXPECT_EQ(pod_in("/kubepods/podu/" + kA + "/kubepods/podv/" + kB), "u");
}

TEST(CgroupOfProcess, SurvivesForeignBytes) {
  const FakeIds ids({""});
  EXPECT_EQ(of("", &ids), "");
  EXPECT_EQ(of("\n\n:\n::\n0:\n0::\n", &ids), "");
  EXPECT_EQ(of(std::string("0::/\0\xff//..//\n", 12), &ids), "");
  EXPECT_EQ(of("garbage"), "");
  EXPECT_EQ(of("0::/docker/" + kA), kA) << "a last line without its end";
}

}  // namespace
}  // namespace holdfast
