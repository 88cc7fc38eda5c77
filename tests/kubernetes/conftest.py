"""The tests in a cluster use the fixtures of the end-to-end tests. The cluster is started once; the
daemon's pod is made of kubernetes/*.yaml."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from fixtures import *  # noqa: E402,F401,F403

from cluster import Cluster  # noqa: E402
from containerd import short_directory  # noqa: E402
from containers import IMAGE, REPOSITORY  # noqa: E402
from pods import APP, INSTALLER, AskingPod, HoldfastPod, Pod, daemon_set, new_namespaces  # noqa: E402
from shell import run  # noqa: E402


@pytest.fixture(scope="session")
def archive(podman, build, work):
    """The images of the tests, and the daemon's as the Dockerfile makes it of this build."""
    holdfast = f"localhost/{daemon_set()['spec']['template']['spec']['containers'][0]['image']}"
    context = f"{work}/context"
    run(f"{REPOSITORY}/scripts/image-root", build, f"{context}/build/image-root", timeout=300)
    run(f"{podman.directory}/buildah", "bud", "--isolation", "chroot", "--target", "prebuilt",
        "-t", holdfast, "-f", f"{REPOSITORY}/Dockerfile", context, timeout=120)
    podman("tag", IMAGE, APP)
    for name, command in (("localhost/pause:1", '["sleep","86400"]'), (INSTALLER, '["true"]')):
        podman("create", "--name", "other", IMAGE)
        podman("commit", "-q", "--change", f"CMD {command}", "other", name)
        podman("rm", "other")
    path = f"{work}/images.tar"
    podman("save", "-q", "--format", "docker-archive", "-o", path, "-m", APP, INSTALLER,
           "localhost/pause:1", holdfast, timeout=120)
    yield path
    os.unlink(path)


@pytest.fixture(scope="session")
def cluster(archive):
    directory = short_directory("hf-k8s.")
    try:
        made = Cluster(directory, archive, [APP, INSTALLER])
        try:
            new_namespaces(made)
            yield made
        finally:
            made.remove()
    finally:
        run("rm", "-rf", "--one-file-system", directory)


@pytest.fixture(scope="module")
def holdfast(cluster):
    """holdfast(policy=None, asking=False): a pod of the daemon; without a policy, as it is shipped."""
    made = []

    def start(policy=None, asking=False):
        made.append((AskingPod if asking else HoldfastPod)(cluster, policy))
        return made[-1].start()
    try:
        yield start
    finally:
        for daemon in made:
            daemon.remove()


@pytest.fixture
def pod(cluster):
    made = []

    def start(*arguments, **options):
        made.append(Pod(cluster, *arguments, **options))
        return made[-1]
    yield start
    for one in made:
        one.remove()
