"""Who a container is decides from its first process on: on the CRI, both versions.
test_identity_engines.py: docker, podman and bare runtimes."""
import os
import signal

import pytest

from containerd import Containerd, Cri, OnlyVersion, Pod, pod_images, short_directory
from containers import IMAGE
from expect import PAYLOAD_STATUS
from identity import APP, DROP, IMAGE_NAME, LABEL, LABELS, NAMESPACE, POD_NAME, RUNS, assert_image
from shell import wait_until

STOPPED_SECONDS = float(os.environ.get("HOLDFAST_IDENTITY_STOPPED", "5"))
DEADLINE = 2.0  # answer_deadline
LOAD = """while true; do
  read begin _ </proc/uptime; cp /bin/busybox /tmp/dropped 2>/dev/null; status=$?
  read end _ </proc/uptime; rm -f /tmp/dropped; echo $begin $end $status >>/result
done"""


def uptime():
    with open("/proc/uptime", encoding="utf-8") as file:
        return float(file.read().split()[0])


@pytest.fixture(scope="module")
def archive(podman, work):
    return pod_images(podman, IMAGE, APP, work)


@pytest.fixture(scope="module")
def containerd(archive):
    directory = short_directory("hf-ctd.")
    server = Containerd(directory)
    try:
        server.image(archive, APP)
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module", params=["v1", "v1alpha2"])
def cri(request, containerd):
    """A client; and what the daemon is shown speaks that version alone."""
    client = Cri(containerd.socket, request.param, containerd.directory)
    client.shown = f"{containerd.directory}/{request.param}.sock"
    client.proxy = OnlyVersion(client.shown, containerd.socket, request.param)
    yield client
    client.proxy.stop()
    client.close()


def drop_in_pod(containerd, cri):
    """A container that drops and runs a file as its first act: its exit code, its id, and what the
    API says of pod and container."""
    pod = Pod(containerd, cri, "web-0", "payments", LABELS)
    try:
        container = pod.run(DROP, APP)
        return pod.wait(container), container, pod.seen(), pod.container_seen(container)
    finally:
        pod.remove()


@pytest.mark.parametrize("condition, matches", LABEL + NAMESPACE + POD_NAME + IMAGE_NAME)
def test_first_act_of_a_pods_container(containerd, cri, daemon_for, condition, matches):
    daemon = daemon_for(condition, cri_sockets=f"[{cri.shown}]")
    for _ in range(RUNS):
        status, container, pod, seen = drop_in_pod(containerd, cri)
        if not matches:
            assert status == PAYLOAD_STATUS
            assert daemon.alerts(container) == []
            continue
        assert status not in (0, PAYLOAD_STATUS), f"it ran: {status}"
        alert = daemon.wait_alert(container, "createExecutable", "/tmp/dropped")
        orchestrator = alert["orchestrator"]
        assert orchestrator["type"] == "kubernetes"
        assert orchestrator["namespace"] == pod.metadata.namespace == "payments"
        assert orchestrator["resource"]["name"] == pod.metadata.name == "web-0"
        assert orchestrator["resource"]["id"] == pod.metadata.uid
        assert sorted(orchestrator["resource"]["label"]) == sorted(
            f"{key}:{value}" for key, value in pod.labels.items() if not key.startswith("io.kubernetes."))
        assert alert["container"]["name"] == seen.metadata.name == "main"
        assert_image(alert, seen.image.image, seen.image_ref)
    assert cri.proxy.calls > 0, "the daemon did not ask"


@pytest.mark.parametrize("unknown, ran", [("strictest", False), ("alert", True), ("allow", True)])
def test_a_runtime_that_does_not_answer(containerd, daemon_for, cri, unknown, ran):
    """The labels' selector cannot be decided: within `identity_timeout` `unknown` does."""
    daemon = daemon_for("orchestratorResourceLabel: [tier:back]", unknown=unknown,
                        cri_sockets=f"[{containerd.socket}]")
    pod = Pod(containerd, cri, "web-1", "payments", LABELS)
    try:
        container = pod.run(("/bin/sh", "-c", "until [ -e /go ]; do sleep 0.1; done; " + DROP[2] +
                             "; echo $? >/result; sleep 60"), APP)
        bundle = f"{containerd.directory}/state/io.containerd.runtime.v2.task/k8s.io/{container}"
        wait_until(lambda: daemon.status()["containers"], 10, "the container to be covered")
        daemon.stop()
        containerd.process.send_signal(signal.SIGSTOP)
        daemon.start()
        with open(f"{bundle}/rootfs/go", "w", encoding="utf-8"):
            pass
        result = f"{bundle}/rootfs/result"
        wait_until(lambda: os.path.exists(result) and os.path.getsize(result), 10, "its result")
        with open(result, encoding="utf-8") as file:
            assert (int(file.read()) == PAYLOAD_STATUS) is ran
        if unknown != "allow":
            alert = daemon.wait_alert(container, "createExecutable", "/tmp/dropped",
                                      outcome="alerted" if ran else "blocked")
            assert "not known in time" in alert["holdfast"]["reason"]
            assert "labels" in alert["holdfast"]["reason"]
        containerd.process.send_signal(signal.SIGCONT)
        wait_until(lambda: all(one["answers"] for one in daemon.status()["runtimes"]) and
                   all("missing" not in one for one in daemon.status()["containers"]), 15,
                   "the daemon to know the container again")
    finally:
        containerd.process.send_signal(signal.SIGCONT)
        pod.remove()


def test_a_runtime_that_is_stopped_under_load(containerd, daemon_for, cri):
    """The container's acts go on being decided: by `unknown` within the deadline while the runtime
    does not answer a new daemon, and by its labels again as soon as it does."""
    daemon = daemon_for("orchestratorResourceLabel: [tier:back]", cri_sockets=f"[{containerd.socket}]")
    pod = Pod(containerd, cri, "web-2", "payments", LABELS)
    try:
        container = pod.run(("/bin/sh", "-c", LOAD), APP)
        rootfs = f"{containerd.directory}/state/io.containerd.runtime.v2.task/k8s.io/{container}/rootfs"

        def acts(since):
            """(seconds that it took, it was let happen) of each that began after that uptime."""
            with open(f"{rootfs}/result", encoding="utf-8") as file:
                lines = [line.split() for line in file if line.endswith("\n")]
            return [(float(end) - float(begin), status == "0")
                    for begin, end, status in lines if float(begin) >= since]

        wait_until(lambda: os.path.exists(f"{rootfs}/result") and acts(0), 10, "the load")
        begin = uptime()
        wait_until(lambda: len(acts(begin)) >= 10, 20, "acts that are let happen")
        assert all(let for _, let in acts(begin)), "refused though its labels do not match"
        daemon.stop()
        containerd.process.send_signal(signal.SIGSTOP)
        daemon.start()
        stopped = uptime()
        wait_until(lambda: any(not let for _, let in acts(stopped)), 10, "a decision by `unknown`")
        by_unknown = uptime()
        wait_until(lambda: uptime() > stopped + STOPPED_SECONDS, STOPPED_SECONDS + 5, "the time to pass")
        assert len(acts(by_unknown)) >= 10
        assert not any(let for _, let in acts(by_unknown)), "let happen though nothing was known"
        containerd.process.send_signal(signal.SIGCONT)
        wait_until(lambda: all("missing" not in one for one in daemon.status()["containers"]), 15,
                   "the daemon to know the container again")
        known = uptime()
        wait_until(lambda: len(acts(known)) >= 10, 20, "acts after that")
        assert all(let for _, let in acts(known))
        longest = max(took for took, _ in acts(begin))
        print(f"{len(acts(begin))} acts, the longest took {longest:.2f} s")
        assert longest < DEADLINE + 0.5, f"{longest} s"  # and a busy machine
        assert daemon.status()["events"]["undecided"] == 0
    finally:
        containerd.process.send_signal(signal.SIGCONT)
        pod.remove()


@pytest.mark.parametrize("uid", [None, "0f1e2d3c4b5a69788796a5b4c3d2e1f0"], ids=["api", "static"])
def test_exec_in_a_pod_is_the_pods(containerd, cri, daemon_for, uid):
    """And static pods, whose UID is a hash: the kubelet makes them without an API server."""
    daemon = daemon_for("orchestratorResourceLabel: [tier:front]", cri_sockets=f"[{cri.shown}]")
    pod = Pod(containerd, cri, "web-3", "payments", LABELS, uid)
    try:
        container = pod.run(("/bin/sleep", "60"), APP)
        assert pod.exec(container, DROP) not in (0, PAYLOAD_STATUS)
        alert = daemon.wait_alert(container, "createExecutable", "/tmp/dropped")
        assert alert["orchestrator"]["resource"]["name"] == "web-3"
        assert alert["orchestrator"]["resource"]["id"] == pod.uid
        assert alert["container"]["runtime"] == "containerd"
        mine, = [one for one in daemon.status()["containers"] if one["id"] == container]
        assert (mine.get("runtime"), mine.get("pod"), mine.get("managed")) == ("containerd", "web-3", True)
        assert mine["enforcement"]["createExecutable"] == "block"
        # The sandbox's own container is the pod's too.
        wait_until(lambda: ("web-3", pod.sandbox) in [(one.get("pod"), one["id"])
                                                      for one in daemon.status()["containers"]],
                   5, "the sandbox to be the pod's")
    finally:
        pod.remove()


