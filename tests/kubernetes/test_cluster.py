"""holdfast as its DaemonSet runs it, in a cluster: pods by `kubectl apply`, judged by what the API
says they are."""
import pytest

from cluster import NODE
from expect import DROP_AND_RUN, PAYLOAD_STATUS, REFUSED
from judged import FRONT, assert_as_the_api_says, refused
from pods import APP, INSTALLER, StaticPod
from shell import wait_until

DROP = DROP_AND_RUN.format(path="/tmp/dropped")
# What the tests choose by; the last selector is docs/policy-recipes.md's for tools in a shared volume.
POLICY = """
file:
  selectors:
    - name: label
      operation: [createExecutable, modifyExecutable]
      orchestratorResourceLabel: ["tier:front"]
    - name: namespace
      operation: [createExecutable, modifyExecutable]
      orchestratorNamespace: [payments]
    - name: installedTools
      operation: [createExecutable, modifyExecutable]
      containerImageFullName: ["reg.example.test/team/installer"]
      targetFilePath: [/shared/*]
  responses:
    - match: [label, namespace]
      exclude: [installedTools]
      actions: [alert, block]
"""


@pytest.fixture(scope="module")
def daemon(holdfast):
    return holdfast(POLICY)


@pytest.mark.parametrize("namespace, labels", [("shop", FRONT), ("payments", {"app": "till"})])
@pytest.mark.parametrize("network", ["pod", "host"])
def test_first_act_of_a_chosen_pod_is_refused(daemon, cluster, pod, namespace, labels, network):
    chosen = pod(f"chosen-{namespace}-{network}", DROP, namespace, labels, hostNetwork=network == "host")
    refused(chosen.status())
    alert = daemon.wait_alert(chosen.container_id(), "createExecutable", "/tmp/dropped")
    assert_as_the_api_says(alert, chosen, cluster)


def test_pod_that_is_not_chosen_is_left_alone(daemon, pod):
    other = pod("other", DROP, "shop", {"app": "web", "tier": "back"})
    assert other.status()[0] == PAYLOAD_STATUS
    assert daemon.alerts(other.container_id()) == []


def test_exec_into_a_pod(daemon, cluster, pod):
    chosen = pod("exec", labels=FRONT)
    assert chosen.status()[0] == 0
    done = chosen.exec("cp /bin/busybox /tmp/from-exec")
    assert done.returncode != 0 and REFUSED in done.stdout, done.stdout
    alert = daemon.wait_alert(chosen.container_id(), "createExecutable", "/tmp/from-exec")
    assert_as_the_api_says(alert, chosen, cluster)


def test_kubectl_cp_of_a_program_is_refused(daemon, cluster, pod):
    """It runs tar in the container. kubectl 1.20 itself does not come back when a tar ends early, with or
    without this daemon (a copy to /proc shows it), so it is not waited for."""
    chosen = pod("copy", labels=FRONT)
    assert chosen.status()[0] == 0
    with chosen.kubectl_in_background("cp", "/bin/busybox", f"{chosen.name}:/tmp/copied") as copying:
        try:
            alert = daemon.wait_alert(chosen.container_id(), "createExecutable", "/tmp/copied", timeout=30)
        finally:
            copying.kill()
    assert_as_the_api_says(alert, chosen, cluster)
    assert alert["process"]["name"] == "tar"
    assert chosen.exec("test -e /tmp/copied").returncode == 1, "the refused file is there"


SHARED = [{"name": "shared", "mountPath": "/shared"}]


def another(name, image, script):
    """A container that has the volume too."""
    return {"name": name, "image": image, "imagePullPolicy": "Never", "volumeMounts": SHARED,
            "command": ["/bin/sh", "-c", script]}


def with_tool(image):
    """An init container that puts a program on a volume that the main container has too."""
    return {"volumes": [{"name": "shared", "emptyDir": {}}], "main": {"volumeMounts": SHARED},
            "initContainers": [another("install", image, "cp /app/payload /shared/tool\necho status $?")]}


@pytest.mark.parametrize("medium", ["disk", "memory"])
def test_what_an_init_container_installed_runs(daemon, pod, medium):
    spec = with_tool(INSTALLER)
    if medium == "memory":
        spec["volumes"][0]["emptyDir"] = {"medium": "Memory"}
    chosen = pod(f"init-{medium}", "/shared/tool", labels=FRONT, **spec)
    assert chosen.status()[0] == PAYLOAD_STATUS
    assert daemon.alerts(chosen.container_id("install")) == []
    assert daemon.alerts(chosen.container_id()) == []
    # Finished is finished: the main container may not change it.
    done = chosen.exec("cat /bin/busybox >/shared/tool")
    assert done.returncode != 0 and REFUSED in done.stdout, done.stdout
    daemon.wait_alert(chosen.container_id(), "modifyExecutable", "/shared/tool")


def test_init_container_that_may_not_install(daemon, cluster, pod):
    chosen = pod("init-refused", labels=FRONT, **with_tool(APP))
    refused(chosen.status("install"))
    alert = daemon.wait_alert(chosen.container_id("install"), "createExecutable", "/shared/tool")
    assert_as_the_api_says(alert, chosen, cluster, "install")


def test_what_a_container_beside_it_put_on_a_volume_does_not_run(daemon, cluster, pod):
    """The other may install, at any time; that is no init work."""
    chosen = pod("beside", labels=FRONT, main={"volumeMounts": SHARED},
                 volumes=[{"name": "shared", "emptyDir": {}}],
                 beside=[another("sidecar", INSTALLER, "exec sleep 86400")])
    assert chosen.status()[0] == 0
    wait_until(lambda: chosen.container("sidecar")["ready"], 30, "the other container")
    assert chosen.exec("cp /app/payload /shared/tool", "sidecar").returncode == 0
    done = chosen.exec("/shared/tool")
    assert done.returncode not in (0, PAYLOAD_STATUS) and REFUSED in done.stdout, done.stdout
    alert = daemon.wait_alert(chosen.container_id(), "createExecutable", "/shared/tool")
    assert_as_the_api_says(alert, chosen, cluster)


def test_ephemeral_container(daemon, cluster, pod):
    chosen = pod("ephemeral", labels=FRONT)
    assert chosen.status()[0] == 0
    chosen.kubectl("debug", chosen.name, f"--image={INSTALLER}", "--image-pull-policy=Never", "-c", "debugger",
                   "--attach=false", "--", "sh", "-c", f"{DROP}; echo status $?; exec sleep 86400")
    refused(chosen.status("debugger"))
    container = chosen.container_id("debugger")
    alert = daemon.wait_alert(container, "createExecutable", "/tmp/dropped")
    assert_as_the_api_says(alert, chosen, cluster, "debugger")


def test_static_pod(daemon, cluster):
    """The API has a mirror of it, whose uid is another: the kubelet's own is in an annotation."""
    chosen = StaticPod(cluster, "static", DROP, labels=FRONT)
    try:
        refused(chosen.status())
        alert = daemon.wait_alert(chosen.container_id(), "createExecutable", "/tmp/dropped")
        resource = alert["orchestrator"]["resource"]
        seen = chosen.seen()["metadata"]
        assert resource["name"] == seen["name"] == f"static-{NODE}"
        assert resource["id"] == seen["annotations"]["kubernetes.io/config.hash"]
        assert sorted(resource["label"]) == ["app:web", "tier:front"]
    finally:
        chosen.remove()


def test_status_names_pods(daemon, cluster, pod):
    chosen = pod("listed", labels=FRONT)
    assert chosen.status()[0] == 0
    containers = {one["id"]: one for one in daemon.status()["containers"]}
    assert containers[chosen.container_id()]["pod"] == "listed"
    assert containers[chosen.container_id()]["coverage"] == "full"
    own = cluster.get("pod", daemon.name, daemon.namespace)["status"]["containerStatuses"][0]
    assert own["containerID"].removeprefix("containerd://") not in containers
