"""Who a container is decides from its first process on: on docker and podman, asked by their API or
read from their files, and what no runtime claims. test_identity.py: the CRI."""
import json
import os
import subprocess

import pytest

from containerd import pod_images
from containers import IMAGE
from dockerd import Docker
from expect import PAYLOAD_STATUS
from identity import APP, DROP, IMAGE_NAME, LABEL, LABELS, NAMESPACE, POD_NAME, RUNS, assert_image
from shell import run, wait_until


def flags(labels):
    return [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]


@pytest.fixture(scope="module")
def docker(podman, work):
    server = Docker()
    try:
        server("load", "-q", "-i", pod_images(podman, IMAGE, APP, work), timeout=120)
        yield server
    finally:
        server.remove()


@pytest.mark.parametrize("source", ["files", "API"])
@pytest.mark.parametrize("condition, matches", LABEL + NAMESPACE + POD_NAME + IMAGE_NAME)
def test_first_act_on_docker(docker, daemon_for, source, condition, matches):
    """Labels as dockershim sets them: the pod's are the sandbox's."""
    keys = ({"docker_root": f"[{docker.directory}/root]"} if source == "files"
            else {"docker_sockets": f"[{docker.directory}/d.sock]"})
    daemon = daemon_for(condition, **keys)
    ids = {"io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "payments",
           "io.kubernetes.pod.uid": "u-1"}
    sandbox = docker("create", "--network=none", *flags({**ids, **LABELS}), APP, "sleep",
                     "60").stdout.strip()
    for _ in range(RUNS):
        container = docker("create", "--network=none",
                           *flags({**ids, "io.kubernetes.sandbox.id": sandbox,
                                   "io.kubernetes.container.name": "main"}), APP, *DROP).stdout.strip()
        docker("start", container)
        status = int(docker("wait", container).stdout)
        if matches:
            assert status not in (0, PAYLOAD_STATUS), f"it ran: {status}"
            alert = daemon.wait_alert(container, "createExecutable", "/tmp/dropped")
            seen, = json.loads(docker("inspect", container).stdout)
            pod, = json.loads(docker("inspect", sandbox).stdout)
            assert alert["container"]["runtime"] == "docker"
            # dockershim's label; a container without one has the engine's name.
            assert alert["container"]["name"] == seen["Config"]["Labels"]["io.kubernetes.container.name"]
            assert_image(alert, seen["Config"]["Image"], seen["Image"])
            assert alert["orchestrator"]["namespace"] == "payments"
            resource = alert["orchestrator"]["resource"]
            assert (resource["name"], resource["id"]) == ("web-0", "u-1")
            assert sorted(resource["label"]) == sorted(
                f"{key}:{value}" for key, value in pod["Config"]["Labels"].items() if key not in ids)
        else:
            assert status == PAYLOAD_STATUS
            assert daemon.alerts(container) == []
        docker("rm", container)
    docker("rm", sandbox)


@pytest.fixture(scope="module")
def podman_service(podman):
    """podman's API socket, and a pod (without an infra container, whose image podman would fetch)."""
    path = f"{podman.directory}/api.sock"
    with subprocess.Popen([f"{podman.directory}/podman", "system", "service", "-t", "0", f"unix://{path}"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as service:
        try:
            wait_until(lambda: os.path.exists(path), 10, "podman's socket")
            podman("tag", IMAGE, APP)
            podman("pod", "create", "--infra=false", "--name", "web-0", *flags(LABELS))
            yield path
        finally:
            run(f"{podman.directory}/podman", "pod", "rm", "-f", "web-0", check=False)
            service.terminate()


# A podman pod has no namespace: a condition that names one never holds.
@pytest.mark.parametrize("source, condition, matches", [
    *(("files", *one) for one in IMAGE_NAME),
    *(("API", *one) for one in [*LABEL, *POD_NAME, *IMAGE_NAME, ("orchestratorNamespace: [\"*\"]", False)])])
def test_first_act_on_podman(podman, podman_service, daemon_for, source, condition, matches):
    daemon = daemon_for(condition, **({"podman_sockets": f"[{podman_service}]"} if source == "API" else {}))
    for _ in range(RUNS):
        container = podman("create", "--network=none", "--pod=web-0", APP, *DROP).stdout.strip()
        status = podman("start", "--attach", container, check=False).returncode
        if matches:
            assert status not in (0, PAYLOAD_STATUS), f"it ran: {status}"
            alert = daemon.wait_alert(container, "createExecutable", "/tmp/dropped")
            seen, = json.loads(podman("inspect", container).stdout)
            assert alert["container"]["runtime"] == "podman"
            assert alert["container"]["name"] == seen["Name"]
            assert_image(alert, seen["ImageName"])
            if source == "API":
                pod = json.loads(podman("pod", "inspect", "web-0").stdout)
                resource = alert["orchestrator"]["resource"]
                assert resource["name"] == pod["Name"]
                assert sorted(resource["label"]) == sorted(f"{k}:{v}" for k, v in pod["Labels"].items())
        else:
            assert status == PAYLOAD_STATUS
            assert daemon.alerts(container) == []
        podman("rm", container)


@pytest.mark.parametrize("unmanaged, ran", [("as-policy", False), ("alert", True), ("ignore", True)])
def test_bare_runc_is_nobodys(bundle, lower, daemon_for, unmanaged, ran):
    daemon = daemon_for("targetFilePath: [/**]", unmanaged=unmanaged)
    container = bundle("runc", lower)
    assert (container.run(*DROP).returncode == PAYLOAD_STATUS) is ran
    if unmanaged == "ignore":
        assert daemon.alerts(container.id) == []
    else:
        daemon.wait_alert(container.id, "createExecutable", "/tmp/dropped",
                          outcome="alerted" if ran else "blocked")
