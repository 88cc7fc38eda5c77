"""Layers and volumes on the filesystems that nodes are made of; the other tests lie on this
machine's own and on tmpfs."""
import os
import shutil

import pytest

from containers import Bundle, volume
from expect import PAYLOAD_STATUS, assert_refused
from shell import run

IMAGE_BYTES = 512 << 20  # xfs refuses to be smaller than 300 MiB; the file is sparse


@pytest.fixture(scope="module", params=["xfs", "btrfs"])
def disk(request, work):
    """A filesystem of that kind on a loop device."""
    directory = f"{work}/disk-{request.param}"
    os.makedirs(directory)
    image = f"{directory}.image"
    with open(image, "wb") as file:
        file.truncate(IMAGE_BYTES)
    run(f"mkfs.{request.param}", "-q", image)
    run("mount", "-o", "loop", image, directory)
    yield directory
    run("umount", directory)
    os.remove(image)


@pytest.fixture(scope="module")
def container(disk, lower, build, podman, blocking):
    """All of it lies there: the image's layer, the container's own, a volume."""
    shutil.copytree(lower, f"{disk}/lower", symlinks=True)
    os.makedirs(f"{disk}/volume")
    shutil.copy(f"{build}/tests/evasion/payload", f"{disk}/volume/tool")
    made = Bundle("runc", f"{disk}/bundles", f"{disk}/lower",
                  mounts=[volume(f"{disk}/volume", "/data")])
    yield made.start()
    made.remove()


@pytest.mark.parametrize("directory", ["/tmp", "/data"])
def test_what_is_dropped_is_refused(directory, container, blocking):
    path = f"{directory}/x"
    assert_refused(container.exec("cp", "/app/payload", path))
    assert container.exec("test", "-e", path).returncode != 0, "the leftover is gone"
    assert blocking.wait_alert(container.id, "createExecutable", path)["holdfast"]["mechanism"] \
        == "open_gate"
    path = f"{directory}/y"
    assert_refused(container.sh(f"cat /app/payload >{path} && chmod +x {path} && {path}"))
    assert blocking.wait_alert(container.id, "createExecutable", path)["holdfast"]["mechanism"] \
        == "exec_gate"


def test_the_images_executables_run_and_stay(container, blocking):
    assert container.exec("/app/payload").returncode == PAYLOAD_STATUS
    assert_refused(container.sh("echo x >>/app/payload"))
    blocking.wait_alert(container.id, "modifyExecutable", "/app/payload")
    assert container.sh("chown 1:1 /app/payload && chmod 755 /app/payload").returncode == 0
    assert container.exec("/app/payload").returncode == PAYLOAD_STATUS, "copied up, same bytes"


def test_the_volumes_executables_run_until_they_are_changed(container, blocking):
    assert container.exec("/data/tool").returncode == PAYLOAD_STATUS
    assert_refused(container.sh("echo x >>/data/tool"))
    blocking.wait_alert(container.id, "modifyExecutable", "/data/tool")
    assert container.exec("/data/tool").returncode == PAYLOAD_STATUS
    assert container.sh("chown 1:1 /data/tool").returncode == 0
    assert_refused(container.exec("/data/tool"))


def test_changes_without_an_open_are_told_of_or_known_to_be_missed(container, blocking):
    path = "/tmp/plain"
    assert container.sh(f"cat /app/payload >{path} && chmod +x {path}").returncode == 0
    covered = next(entry for entry in blocking.status()["containers"]
                   if entry["id"] == container.id)
    if "changes_not_seen" not in covered:
        told = blocking.wait_alert(container.id, "createExecutable", path, outcome="alerted")
        assert told["holdfast"]["mechanism"] == "change_watch"
    assert_refused(container.exec(path))
