"""What settings and restarts mean for volumes: each test has a daemon of its own."""
import os
import shutil

import pytest

from containers import volume
from expect import PAYLOAD_STATUS, assert_refused


@pytest.fixture
def mounts(tmp_path, build):
    """A volume with a tool that was there before any container."""
    shutil.copy(f"{build}/tests/evasion/payload", tmp_path / "tool")
    return [volume(str(tmp_path), "/data")]


def test_volumes_without_trust(make_daemon, block_policy, settings, work, bundle, lower, mounts):
    path = f"{work}/no-trust.yml"
    with open(settings, encoding="utf-8") as file, open(path, "w", encoding="utf-8") as out:
        out.write(file.read() + "volumes: {trust: none}\n")
    daemon = make_daemon(block_policy, settings=path)
    container = bundle("runc", lower, mounts=mounts).start()
    assert_refused(container.exec("/data/tool"))
    assert daemon.wait_alert(container.id, path="/data/tool")["holdfast"]["reason"] == "on a volume"
    container.remove()


def test_worker_and_daemon_restarts_know_the_volumes(make_daemon, block_policy, bundle, lower,
                                                     mounts):
    container = bundle("runc", lower, mounts=mounts).start()
    daemon = make_daemon(block_policy)
    assert_refused(container.sh("cp /app/payload /data/x"))
    assert container.exec("/data/tool").returncode == PAYLOAD_STATUS
    os.kill(daemon.status()["worker"]["pid"], 9)
    assert_refused(container.sh("cp /app/payload /data/x"))
    assert container.exec("/data/tool").returncode == PAYLOAD_STATUS
    container.remove()
