"""The daemon where no runtime's socket can be reached: its pods are known by the kubelet, the cluster by
its API."""
import pytest

from expect import DROP_AND_RUN, PAYLOAD_STATUS
from judged import FRONT, assert_as_the_api_says, refused
from pods import INSTALLER, StaticPod
from shell import wait_until

DROP = DROP_AND_RUN.format(path="/tmp/dropped")
POLICY = """
file:
  selectors:
    - name: label
      operation: [createExecutable]
      orchestratorResourceLabel: ["tier:front"]
    - name: image
      operation: [createExecutable]
      containerImageFullName: ["reg.example.test/team/installer"]
  responses:
    - match: [label, image]
      actions: [alert, block]
"""


@pytest.fixture(scope="module")
def daemon(holdfast):
    return holdfast(POLICY, asking=True)


def test_nobody_else_tells(daemon, cluster, pod):
    """So what follows is the kubelet's doing."""
    assert pod("asked").status()[0] == 0
    wait_until(lambda: len(daemon.status()["runtimes"]) == 2, 20, f"both to be asked: {daemon.log()}")
    runtimes = {one["socket"]: one for one in daemon.status()["runtimes"]}
    assert set(runtimes) == {f"https://127.0.0.1:{cluster.kubelet_port}", f"https://127.0.0.1:{cluster.api}"}
    assert all(one["answers"] for one in runtimes.values()), runtimes


@pytest.mark.parametrize("number", range(5))
def test_first_act_of_a_chosen_pod_is_refused(daemon, cluster, pod, number):
    chosen = pod(f"by-label-{number}", DROP, labels=FRONT)
    refused(chosen.status())
    alert = daemon.wait_alert(chosen.container_id(), "createExecutable", "/tmp/dropped")
    assert "not known" not in alert["holdfast"].get("reason", ""), alert["holdfast"]
    assert_as_the_api_says(alert, chosen, cluster)


def test_pod_that_is_not_chosen_is_left_alone(daemon, pod):
    other = pod("not-chosen", DROP)
    assert other.status()[0] == PAYLOAD_STATUS
    assert daemon.alerts(other.container_id()) == []


def test_containers_of_a_pod_are_told_apart(daemon, cluster, pod):
    """By their images."""
    beside = {"name": "beside", "image": INSTALLER, "imagePullPolicy": "Never",
              "command": ["/bin/sh", "-c", f"{DROP}\necho status $?\nexec sleep 86400"]}
    both = pod("both", DROP, beside=[beside])
    refused(both.status("beside"))
    alert = daemon.wait_alert(both.container_id("beside"), "createExecutable", "/tmp/dropped")
    assert_as_the_api_says(alert, both, cluster, "beside")
    assert both.status()[0] == PAYLOAD_STATUS
    assert daemon.alerts(both.container_id()) == []


def test_static_pod(daemon):
    chosen = StaticPod(daemon.cluster, "static", DROP, labels=FRONT)
    try:
        refused(chosen.status())
        wait_until(lambda: "containerStatuses" in chosen.seen()["status"], 30, "the mirror to have the status")
        alert = daemon.wait_alert(chosen.container_id(), "createExecutable", "/tmp/dropped")
        assert alert["orchestrator"]["resource"]["id"] == (
            chosen.seen()["metadata"]["annotations"]["kubernetes.io/config.hash"])
        assert sorted(alert["orchestrator"]["resource"]["label"]) == ["app:web", "tier:front"]
    finally:
        chosen.remove()
