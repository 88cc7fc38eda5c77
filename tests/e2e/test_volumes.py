"""Every writable place in a container: volumes, tmpfs, /dev, what it mounts later, what namespaces
of its own show."""
import os
import shutil

import pytest

from containers import tmpfs, volume
from expect import PAYLOAD_STATUS, assert_refused

PLACES = {"/tmp": "mount", "/run": "mount", "/dev": None, "/dev/shm": None, "/data": "mount"}


@pytest.fixture(scope="module")
def source(work, build):
    """A volume: a directory of the host's with a tool that was there before any container."""
    directory = f"{work}/volume"
    os.makedirs(f"{directory}/data")
    shutil.copy(f"{build}/tests/evasion/payload", f"{directory}/data/tool")
    with open(f"{directory}/hosts", "w", encoding="utf-8") as file:
        file.write("127.0.0.1 localhost\n")
    return directory


@pytest.fixture(scope="module")
def mounts(source):
    return [tmpfs("/tmp"), tmpfs("/run"), volume(f"{source}/data", "/data"),
            volume(f"{source}/hosts", "/etc/hosts")]


@pytest.fixture(scope="module", params=["runc", "crun"])
def container(request, bundle, lower, mounts, blocking):
    return bundle(request.param, lower, mounts=mounts).start()


@pytest.mark.parametrize("place", PLACES)
def test_creation_is_refused(place, container, blocking):
    path = f"{place}/x"
    assert_refused(container.exec("cp", "/app/payload", path))
    assert container.exec("test", "-e", path).returncode != 0, "the leftover is gone"
    alert = blocking.wait_alert(container.id, "createExecutable", path)
    assert alert["holdfast"]["mechanism"] == "open_gate"
    assert alert["holdfast"].get("volume") == PLACES[place]


# /dev/shm is mounted noexec.
@pytest.mark.parametrize("place", [place for place in PLACES if place != "/dev/shm"])
def test_what_got_there_does_not_run(place, container, blocking):
    path = f"{place}/y"
    done = container.sh(f"cat /app/payload >{path} && chmod +x {path} && {path}")
    assert_refused(done)
    alert = blocking.wait_alert(container.id, "createExecutable", path)
    assert alert["holdfast"]["mechanism"] == "exec_gate"
    assert container.sh(f"rm {path}").returncode == 0


def test_data_is_data(container, blocking):
    """Files without execute bits and without code are nobody's business, wherever they lie."""
    for place in PLACES:
        done = container.sh(f"echo text >{place}/plain && cat {place}/plain && rm {place}/plain")
        assert done.returncode == 0, done.stdout
    assert container.sh("echo x >/dev/null && head -c 4 /dev/zero").returncode == 0
    assert [alert for alert in blocking.alerts(container.id)
            if alert["file"]["path"].endswith("/plain")] == []


def test_a_mounted_file(container, blocking):
    done = container.sh("cat /app/payload >/etc/hosts; chmod +x /etc/hosts; /etc/hosts")
    assert_refused(done)
    assert blocking.wait_alert(container.id, path="/etc/hosts")["holdfast"]["volume"] == "file"


def test_what_was_on_the_volume_before_runs_until_it_is_changed(container, source, build):
    assert container.exec("/data/tool").returncode == PAYLOAD_STATUS
    with open(f"{build}/tests/evasion/payload", "rb") as payload:
        original = payload.read()
    assert_refused(container.exec("cp", "/app/victim", "/data/tool"))
    assert container.exec("/data/tool").returncode == PAYLOAD_STATUS, "not a byte was changed"
    shutil.copy(f"{build}/tests/evasion/payload", f"{source}/data/from-host")
    assert_refused(container.exec("/data/from-host"))
    os.unlink(f"{source}/data/from-host")
    with open(f"{source}/data/tool", "rb") as tool:
        assert tool.read() == original


def test_what_is_mounted_later(container, blocking):
    """By a process in the container's mount namespace; the exec of mount(8) is before the mount."""
    run_it = "cat /app/payload >/mnt/x; chmod +x /mnt/x; /mnt/x"
    assert_refused(container.sh(f"mkdir -p /mnt && mount -t tmpfs none /mnt && sleep 0.2 && {run_it}"))
    assert blocking.wait_alert(container.id, "createExecutable", "/mnt/x")
    assert container.sh("umount /mnt").returncode == 0


@pytest.mark.parametrize("place", ["/data", "/tmp"])
def test_a_mount_namespace_of_its_own(place, container):
    """A mark on a mount is not inherited; the first exec in the namespace marks it."""
    path = f"{place}/z"
    done = container.sh(f"cat /app/payload >{path}; chmod +x {path}; unshare -m sh -c {path}")
    assert_refused(done)
    container.sh(f"rm {path}")


def test_a_bind_mount_over_a_binary(container):
    done = container.sh("cat /app/payload >/data/b; chmod +x /data/b; mount --bind /data/b /app/victim"
                        " && sleep 0.2 && /app/victim")
    assert_refused(done)
    container.sh("umount /app/victim; rm /data/b")
    assert container.exec("/app/victim").returncode == 0


def test_restart_makes_nothing_trusted(podman, blocking, work, build):
    """Dropped on a volume, then the container is stopped and started again."""
    directory = f"{work}/restart"
    os.makedirs(directory)
    container = podman.start("-v", f"{directory}:/data")
    shutil.copy(f"{build}/tests/evasion/payload", f"{directory}/dropped")
    assert_refused(container.exec("/data/dropped"))
    podman("stop", "-t", "0", container.id)
    podman("start", container.id)
    assert_refused(container.exec("/data/dropped"))
    assert container.exec("/app/victim").returncode == 0
    container.remove()
    # Another workload trusts what it finds.
    fresh = podman.start("-v", f"{directory}:/data")
    assert fresh.exec("/data/dropped").returncode == PAYLOAD_STATUS
    fresh.remove()
