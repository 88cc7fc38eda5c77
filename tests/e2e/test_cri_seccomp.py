"""Pods under the seccomp profile, as containerd's CRI puts them there: node-wide, or named by the pod."""
import shutil

import grpc
import pytest

from containerd import Containerd, Cri, Pod, pod_images, short_directory
from profiles import ENGINE_PROFILE, write_profile
from shell import wait_until

HELD, GIVEN = 42, 0
IMAGE, APP = "localhost/holdfast-cri:1.0", "reg.example.test/team/memory:1.0"
MEMORY = ("/app/memfd_ways", "run", "fexecve")
CHMOD = ("/app/permission_ways", "give", "chmod")
RUNTIME_DEFAULT, UNCONFINED, LOCALHOST = range(3)  # SecurityProfile.ProfileType


def seccomp(profile_type, path=""):
    return {"seccomp": {"profile_type": profile_type, "localhost_ref": path}}


@pytest.fixture(scope="module")
def containerd(podman, work, targets, build):
    """All pods that name no profile are under DIRECTORY/node.json."""
    tools = [f"{build}/tests/e2e/{name}" for name in ("memfd_ways", "permission_ways")]
    podman.image(IMAGE, [*targets, *tools])
    directory = short_directory("hf-cri.")
    server = Containerd(directory, f'unset_seccomp_profile = "localhost/{directory}/node.json"')
    try:
        server.image(pod_images(podman, IMAGE, APP, work), APP)
        yield server
    finally:
        server.remove()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def cri(containerd):
    client = Cri(containerd.socket, "v1", containerd.directory)
    yield client
    client.close()


@pytest.fixture(scope="module")
def settings(containerd):
    """Of the module's daemon."""
    path = f"{containerd.directory}/settings.yml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"cri_sockets: [{containerd.socket}]\n")
    return path


@pytest.fixture(scope="module")
def daemon(blocking, containerd, binary):
    base = ("--base", ENGINE_PROFILE, "--resolve")
    write_profile(binary, containerd.directory, blocking, *base, name="node")
    write_profile(binary, containerd.directory, blocking, *base, "--rules", "memfd,permissions", name="named")
    return blocking


@pytest.fixture
def pod(containerd, cri, daemon):
    made = []

    def start(name, **options):
        made.append(Pod(containerd, cri, name, "payments", {"app": "web"}, **options))
        return made[-1]
    yield start
    for one in made:
        one.remove()


def entry(daemon, container):
    return wait_until(lambda: [one for one in daemon.status()["containers"] if one["id"] == container],
                      10, "the container to be covered")[0]


def filters(pod, container):
    """Whether its processes are under a filter: 2 if so."""
    done = pod.cri("ExecSync", {"container_id": container, "timeout": 30,
                                "cmd": ["grep", "^Seccomp:", "/proc/self/status"]})
    return int(done.stdout.split()[1])


def assert_refused_by_the_gate(daemon, pod, container):
    alert = daemon.wait_alert(container, "execMemFd")
    assert alert["holdfast"]["mechanism"] == "memfd_gate"
    assert alert["orchestrator"]["resource"]["name"] == pod.name
    assert alert["orchestrator"]["namespace"] == "payments"
    assert alert["container"]["name"] == "main" and alert["container"]["image"]["name"] == APP.rsplit(":", 1)[0]
    assert daemon.alerts(container, outcome="killed") == []


def test_a_pod_without_a_profile_is_under_the_nodes(daemon, pod):
    """By the first process of a container, and by one that the runtime starts in it."""
    one = pod("node-wide")
    first = one.run(MEMORY, APP)
    assert one.wait(first) == HELD
    assert_refused_by_the_gate(daemon, one, first)
    running = one.run(("/bin/sleep", "60"), APP, attempt=1)
    assert one.exec(running, MEMORY) == HELD
    assert_refused_by_the_gate(daemon, one, running)
    assert one.exec(running, ("/app/memfd_ways", "use")) == 0
    assert entry(daemon, running)["memory_files"] == "memfd_gate"
    # The sandbox's own process as well, and the rules are memfd's alone.
    assert entry(daemon, one.sandbox)["memory_files"] == "memfd_gate"
    assert one.exec(running, CHMOD) == GIVEN


def test_a_profile_that_the_pod_names(daemon, containerd, pod):
    one = pod("named")
    container = one.run(("/bin/sleep", "60"), APP,
                        security=seccomp(LOCALHOST, f"{containerd.directory}/named.json"))
    assert one.exec(container, MEMORY) == HELD
    assert_refused_by_the_gate(daemon, one, container)
    assert one.exec(container, CHMOD) == HELD
    alert = daemon.wait_alert(container, "createExecutable", "/drifted")
    assert alert["holdfast"]["mechanism"] == "seccomp"


@pytest.mark.parametrize("security, filtered", [
    (seccomp(UNCONFINED), 0), (seccomp(RUNTIME_DEFAULT), 2), ({"privileged": True}, 0)],
    ids=["unconfined", "runtime_default", "privileged"])
def test_who_is_not_under_the_nodes_profile(daemon, pod, security, filtered):
    one = pod("other", security={"privileged": True} if "privileged" in security else None)
    container = one.run(("/bin/sleep", "60"), APP, security=security)
    assert filters(one, container) == filtered
    assert entry(daemon, container)["memory_files"] == "exec_watch"


def test_without_the_daemon_no_pod_starts(daemon, pod):
    """Nor does an exec in one; when it is back, all do. Processes that ran on ask nobody any more."""
    one = pod("before")
    container = one.run(("/bin/sleep", "60"), APP)
    assert one.exec(container, ("/bin/true",)) == 0
    daemon.stop()
    try:
        with pytest.raises(grpc.RpcError, match="seccomp"):
            pod("meanwhile")
        with pytest.raises(grpc.RpcError, match="seccomp"):
            one.exec(container, ("/bin/true",))
    finally:
        daemon.start()
    assert one.exec(container, MEMORY) == HELD
    two = pod("after")
    assert two.wait(two.run(MEMORY, APP)) == HELD
