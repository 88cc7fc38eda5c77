"""Executables that come into being without being opened: what the change watch tells of them. Nothing
refuses these acts; the exec gate refuses the run."""
import os
import time

import pytest

from conftest import DaemonFactory
from containers import Bundle, image_tree, volume
from expect import PAYLOAD_STATUS, assert_refused
from shell import run, wait_until

WAYS = ("chmod fchmod fchmodat2 acl link rename mknod tmpfile tmpfile_late other_name ring_link "
        "ring_rename ring_acl").split()
LATEST = 4  # seconds: an empty file is looked at again when the open gate must have answered


@pytest.fixture(scope="module")
def lower(work, build, targets):
    return image_tree(f"{work}/lower-changes", [*targets, f"{build}/tests/e2e/make_executable"])


@pytest.fixture(scope="module", params=["ext4", "tmpfs"])
def bundles(request, work, podman):
    """Where the upper layers are."""
    directory = f"{work}/changes-{request.param}"
    os.makedirs(directory)
    if request.param == "tmpfs":
        run("mount", "-t", "tmpfs", "tmpfs", directory)
    yield directory
    if request.param == "tmpfs":
        run("umount", directory)


@pytest.fixture(scope="module", params=["alert", "block"])
def daemon(request, binary, work, settings, default_policy, block_policy):
    factory = DaemonFactory(binary, work, settings)
    try:
        yield factory(block_policy if request.param == "block" else default_policy)
    finally:
        factory.stop_all()


@pytest.fixture
def container(bundles, lower, daemon):
    made = Bundle("runc", bundles, lower).start()
    yield made
    made.remove()


def creations(daemon, container):
    return [alert for alert in daemon.alerts(container.id)
            if alert["holdfast"]["mechanism"] == "change_watch"]


def test_each_way_is_told_of_once(container, daemon):
    for way in WAYS:
        container.exec("/app/make_executable", way, f"/tmp/{way}", check=True)
    time.sleep(LATEST)
    told = sorted((alert["file"]["path"], alert["holdfast"]["operation"],
                   alert["holdfast"]["outcome"], alert["process"]["name"],
                   alert["process"]["executable"])
                  for alert in daemon.alerts(container.id))
    assert told == sorted((f"/tmp/{way}", "createExecutable", "alerted", "make_executable",
                           "/app/make_executable") for way in WAYS)
    assert all(alert["holdfast"]["mechanism"] == "change_watch"
               for alert in daemon.alerts(container.id))


def test_an_empty_file_that_a_mount_covers(bundles, lower, daemon, work):
    """As runtimes make them for /etc/hosts, with execute bits; the runtime may be inside by then."""
    os.makedirs(f"{work}/shared-changes", exist_ok=True)
    with open(f"{work}/shared-changes/hosts", "w", encoding="utf-8") as file:
        file.write("127.0.0.1 localhost\n")
    container = Bundle("runc", bundles, lower, mounts=[volume(f"{work}/shared-changes", "/data")]).start()
    try:
        container.exec("/app/make_executable", "mknod", "/covered", check=True)
        container.exec("/app/make_executable", "mknod", "/bare", check=True)
        run("nsenter", "-m", "-t", str(container.pid()), "mount", "--bind", "/data/hosts", "/covered")
        time.sleep(LATEST)
        assert [alert["file"]["path"] for alert in daemon.alerts(container.id)] == ["/bare"]
        # What is written to it once it is bare again is an act like any other.
        run("nsenter", "-m", "-t", str(container.pid()), "umount", "/covered")
        written = container.sh("cat /app/payload >/covered && /covered")
        if daemon.status()["enforcing"]:
            assert_refused(written)
        else:
            assert written.returncode == PAYLOAD_STATUS
        time.sleep(0.5)
        assert "/covered" in [alert["file"]["path"] for alert in daemon.alerts(container.id)]
    finally:
        container.remove()


def test_chmod_by_a_shell(container, daemon):
    container.sh("cat /app/payload >/tmp/x && chmod 0755 /tmp/x; sleep 1", check=True)
    time.sleep(LATEST)
    told = [alert["file"]["path"] for alert in daemon.alerts(container.id)]
    assert told == ["/tmp/x"]


def test_a_file_in_the_place_of_an_executable(container, daemon):
    container.sh("echo data >/tmp/data && mv /tmp/data /app/victim; sleep 1", check=True)
    time.sleep(0.5)
    alert, = daemon.alerts(container.id)
    assert alert["holdfast"]["operation"] == "modifyExecutable"
    assert alert["holdfast"]["mechanism"] == "change_watch"
    assert alert["file"]["path"] == "/app/victim"
    assert alert["event"]["action"] == "modification"


def test_image_content_is_not_told_of(container, daemon):
    container.sh("chown -R 1:1 /app /bin && chmod -x /app/victim && chmod +x /app/victim && "
                 "chmod 4755 /app/hard_link && mv /app/payload /app/p && sleep 1 && mv /app/p /app/payload && "
                 "mkdir /tmp/d && touch /tmp/d/data && chmod 0600 /tmp/d/data && mv /tmp/d /tmp/e",
                 check=True)
    time.sleep(LATEST)
    # Under its other name the payload is a new executable; back at its place it is the image's.
    assert [alert["file"]["path"] for alert in daemon.alerts(container.id)] == ["/app/p"]
    assert container.exec("/app/victim").returncode == 0


def test_a_copy_is_one_act(container, daemon):
    """Seen where it is opened, refused or not, and again in the upper layer."""
    blocking = daemon.status()["enforcing"]
    done = container.sh("cp -p /bin/busybox /tmp/x; echo $?; sleep 1")
    assert ("0\n" in done.stdout) != blocking
    time.sleep(LATEST)
    told = daemon.alerts(container.id)
    assert [(alert["file"]["path"], alert["holdfast"]["outcome"]) for alert in told] == [
        ("/tmp/x", "blocked" if blocking else "alerted")]
    assert "repeats" not in told[0]["holdfast"]


def test_a_file_of_an_ended_process(container, daemon):
    """Who did it may not be known any more; the act is."""
    container.sh("for i in 1 2 3 4 5; do echo >/tmp/f$i; chmod +x /tmp/f$i; done", check=True)
    wait_until(lambda: len(daemon.alerts(container.id)) >= 5, 5, "five alerts")
    assert {alert["file"]["path"] for alert in daemon.alerts(container.id)} == {
        f"/tmp/f{i}" for i in range(1, 6)}


def test_the_status_tells(container, daemon):
    status = daemon.status()
    mine, = [entry for entry in status["containers"] if entry["id"] == container.id]
    assert "changes_not_seen" not in mine
    before = status["changes"]["in_containers"]
    container.sh("echo >/tmp/data", check=True)
    wait_until(lambda: daemon.status()["changes"]["in_containers"] > before, 5, "a change")
