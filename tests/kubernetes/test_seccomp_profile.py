"""Pods under the seccomp profile, as a Localhost profile of the kubelet's; kube-system and the daemon's
own pod are not under it."""
import json
import os

import pytest

from profiles import ENGINE_PROFILE, write_profile
from shell import wait_until

HELD = 42
MEMORY = "/app/memory_file evil fd"
LOCALHOST = {"seccompProfile": {"type": "Localhost", "localhostProfile": "holdfast.json"}}


@pytest.fixture(scope="module")
def daemon(holdfast, cluster, binary, block_policy):
    with open(block_policy, encoding="utf-8") as file:
        started = holdfast(file.read())
    os.makedirs(cluster.seccomp_profiles, exist_ok=True)
    write_profile(binary, cluster.seccomp_profiles, started, "--base", ENGINE_PROFILE, "--resolve", name="holdfast")
    return started


def own_profile(cluster, daemon):
    """What the daemon's container was started with. Its processes put a filter on themselves later."""
    status = cluster.get("pod", daemon.name, daemon.namespace)["status"]["containerStatuses"][0]
    container = status["containerID"].removeprefix("containerd://")
    tasks = f"{cluster.containerd.directory}/state/io.containerd.runtime.v2.task/k8s.io"
    with open(f"{tasks}/{container}/config.json", encoding="utf-8") as config:
        return json.load(config)["linux"].get("seccomp")


def filtered_inside(pod):
    return pod.exec("grep ^Seccomp: /proc/1/status").stdout.split()[1] != "0"


def memory_files(daemon, pod):
    return next(one["memory_files"] for one in daemon.status()["containers"] if one["id"] == pod.container_id())


def assert_refused(daemon, pod):
    alert = daemon.wait_alert(pod.container_id(), "execMemFd")
    assert alert["holdfast"]["mechanism"] == "memfd_gate"
    assert alert["file"]["name"] == "evil"
    assert alert["orchestrator"]["namespace"] == "shop"
    assert alert["orchestrator"]["resource"]["name"] == pod.name
    assert daemon.alerts(pod.container_id(), outcome="killed") == []


@pytest.mark.parametrize("place", ["pod", "container"])
def test_a_memory_file_does_not_run(daemon, pod, place):
    """By a container's first process, and by one of kubectl exec."""
    where = {"securityContext": LOCALHOST} if place == "pod" else {"main": {"securityContext": LOCALHOST}}
    judged = pod(f"judged-{place}", MEMORY, **where)
    assert judged.status()[0] == HELD
    assert_refused(daemon, judged)
    assert judged.exec(MEMORY).returncode == HELD
    assert memory_files(daemon, judged) == "memfd_gate"


def test_pods_that_name_no_profile_are_not_under_it(daemon, cluster, pod):
    for namespace in ("shop", "kube-system"):
        other = pod("other", namespace=namespace)
        assert other.status()[0] == 0
        assert not filtered_inside(other)
        assert memory_files(daemon, other) == "exec_watch"
    assert own_profile(cluster, daemon) is None


def test_started_while_the_daemon_is_down_it_runs_when_that_is_back(daemon, pod):
    daemon.delete()
    waiting = pod("waiting", MEMORY, securityContext=LOCALHOST)

    def failed():
        state = waiting.seen()["status"].get("containerStatuses", [{}])[0].get("state", {})
        return "seccomp" in state.get("waiting", {}).get("message", "") or \
            "seccomp" in state.get("terminated", {}).get("message", "")
    wait_until(failed, 60, "the start to fail", interval=0.2)
    daemon.start()
    assert waiting.status(timeout=120)[0] == HELD
    assert_refused(daemon, waiting)
