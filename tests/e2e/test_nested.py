"""A container inside a container: a runtime that runs in one of podman's, as docker in docker does."""
import os
import shutil
import uuid

import pytest

from containers import REPOSITORY, write_oci_config
from expect import DROP_AND_RUN, PAYLOAD_STATUS, REFUSED
from shell import run

OUTER = "localhost/holdfast-nesting:1.0"
OVERLAY = """mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work &&
mount -t overlay overlay -o lowerdir=/nested/lower,upperdir=/mnt/upper,workdir=/mnt/work /nested/rootfs"""


@pytest.fixture(scope="module")
def image(podman, work, lower):
    """runc, and a bundle for it whose root is a copy of the tests' image."""
    directory = f"{work}/nesting"
    run(f"{REPOSITORY}/scripts/host-rootfs", directory, "runc", "dash", "coreutils", "mount")
    for name in ("mnt", "nested"):
        os.mkdir(f"{directory}/{name}")
    for name in ("rootfs", "lower"):
        shutil.copytree(lower, f"{directory}/nested/{name}", symlinks=True)
    write_oci_config(f"{directory}/nested", ["sleep", "86400"])
    run("sh", "-c", f"tar -C {directory} -c . | {podman.directory}/podman import -q - {OUTER}", timeout=120)
    shutil.rmtree(directory)
    return OUTER


@pytest.fixture
def outer(podman, image, blocking):
    container = podman.start("--privileged", image=image)
    yield container
    container.remove()


class Nested:
    def __init__(self, outer):
        self.outer, self.id = outer, f"{uuid.uuid4().hex}{uuid.uuid4().hex}"
        outer.sh(f"runc run -d -b /nested {self.id} >/run.log 2>&1 </dev/null || {{ cat /run.log; exit 1; }}", check=True)

    def sh(self, script):
        return self.outer.exec("runc", "exec", self.id, "sh", "-c", script)


def test_a_drop_in_it_is_refused_and_told_of_the_outer_one(outer, blocking):
    inner = Nested(outer)
    done = inner.sh(DROP_AND_RUN.format(path="/tmp/dropped"))
    assert done.returncode != PAYLOAD_STATUS and REFUSED in done.stdout, done.stdout
    alert = blocking.wait_alert(outer.id, "createExecutable", "/tmp/dropped")  # as the process that ran it sees it
    assert alert["container"]["image"]["name"] == OUTER.rsplit(":", 1)[0]
    assert not [one for one in blocking.documents() if one.get("container", {}).get("id") == inner.id]


def test_a_root_that_the_outer_one_mounts_is_told_of(outer, blocking):
    """What runs there is killed by the exec watch: the limit of docs/limitations.md."""
    outer.sh(OVERLAY, check=True)
    inner = Nested(outer)
    inner.sh("cat /app/payload >/tmp/dropped && chmod +x /tmp/dropped && LINGER=5000 /tmp/dropped")
    blocking.wait_alert(outer.id, None, None, outcome="killed")
    mine = next(one for one in blocking.status()["containers"] if one["id"] == outer.id)
    assert "overlay" in {mount["type"] for mount in mine.get("unmarked", [])}, mine
