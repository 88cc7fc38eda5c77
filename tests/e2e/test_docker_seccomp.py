"""docker with the runtime wrapper: its containers are under the rules, whatever profile docker gives them."""
import glob
import json

import pytest

from containers import REPOSITORY
from dockerd import Docker
from shell import wait_until

HELD = 42
IMAGE = "localhost/holdfast-docker:1.0"


@pytest.fixture(scope="module")
def docker(work, podman, targets, build, binary, blocking):
    tools = [f"{build}/tests/e2e/{name}" for name in ("memfd_ways", "permission_ways")]
    podman.image(IMAGE, [*targets, *tools])
    archive = f"{work}/docker.tar"
    podman("save", "-q", "--format", "docker-archive", "-o", archive, IMAGE, timeout=120)
    server = Docker("--add-runtime", f"holdfast={REPOSITORY}/seccomp/holdfast-runtime",
                    environment={"HOLDFAST": binary, "HOLDFAST_SECCOMP_RULES": "memfd,permissions",
                                 "HOLDFAST_SECCOMP_SOCKET": f"{blocking.state_dir}/seccomp.sock"})
    try:
        server("load", "-q", "-i", archive, timeout=120)
        yield server
    finally:
        server.remove()


@pytest.fixture
def container(docker):
    started = docker("run", "-d", "--runtime", "holdfast", "--network=none", IMAGE, "sleep",
                     "86400").stdout.strip()
    yield started
    docker("rm", "-f", started, check=False)


def test_its_containers_are_under_the_rules(docker, container, blocking):
    done = docker("exec", container, "/app/memfd_ways", "run", "fexecve", check=False)
    assert done.returncode == HELD, done.stdout
    blocking.wait_alert(container, "execMemFd", outcome="blocked")
    done = docker("exec", container, "/app/permission_ways", "give", "chmod", check=False)
    assert done.returncode == HELD, done.stdout
    alert = blocking.wait_alert(container, "createExecutable", "/drifted", outcome="blocked")
    assert alert["holdfast"]["mechanism"] == "seccomp"
    assert docker("exec", container, "/app/memfd_ways", "use", check=False).returncode == 0
    assert docker("exec", container, "/app/permission_ways", "other", "image",
                  check=False).returncode == 0


def test_dockers_own_profile_stays(docker, container, blocking):
    bundle, = glob.glob(f"{docker.directory}/exec/**/{container}/config.json", recursive=True)
    with open(bundle, encoding="utf-8") as file:
        profile = json.load(file)["linux"]["seccomp"]
    assert profile["listenerPath"] == f"{blocking.state_dir}/seccomp.sock"
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO" and len(profile["syscalls"]) > 5


def test_without_the_wrapper_memory_files_are_killed(docker, blocking):
    container = docker("run", "-d", "--network=none", IMAGE, "sleep", "86400").stdout.strip()
    try:
        wait_until(lambda: [entry for entry in blocking.status()["containers"]
                            if entry["id"] == container], 10, "the container to be covered")
        entry = [one for one in blocking.status()["containers"] if one["id"] == container][0]
        assert entry["memory_files"] == "exec_watch"
    finally:
        docker("rm", "-f", container)
