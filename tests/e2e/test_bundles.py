"""Bare runc and crun on an overlay of the test's own: no engine whose files say who it is."""
import os
import shutil
import time

import pytest

from containers import image_tree
from expect import DROP_AND_RUN, assert_blocked_alert, assert_refused

RUNTIMES = ["runc", "crun"]


@pytest.fixture(scope="module", params=RUNTIMES)
def container(request, bundle, lower, blocking):
    return bundle(request.param, lower).start()


def test_creation_is_refused(container, blocking):
    assert_refused(container.exec("cp", "/bin/busybox", "/tmp/x"))
    assert not os.path.exists(f"{container.root}/tmp/x")
    assert not os.path.exists(f"{container.directory}/upper/tmp/x")
    alert = blocking.wait_alert(container.id, "createExecutable", "/tmp/x")
    assert_blocked_alert(alert, "createExecutable", "/tmp/x", "cp")


def test_modification_is_refused_before_it_is_copied_up(container, blocking):
    assert_refused(container.sh("echo x >> /app/hard_link"))
    assert not os.path.exists(f"{container.directory}/upper/app/hard_link")
    alert = blocking.wait_alert(container.id, "modifyExecutable", "/app/hard_link")
    assert_blocked_alert(alert, "modifyExecutable", "/app/hard_link", "sh")


def test_leftovers_of_others_stay(container):
    """Only the empty file that a refused creation made is removed, never one that was there."""
    upper = f"{container.directory}/upper/tmp"
    container.sh("echo precious >/tmp/data; : >/tmp/empty; sleep 1; chmod +x /tmp/empty /tmp/data")
    assert_refused(container.sh("echo more >>/tmp/data"))
    assert_refused(container.sh("cat /app/payload >/tmp/empty"))
    with open(f"{upper}/data", encoding="utf-8") as data:
        assert data.read() == "precious\n"
    assert os.path.exists(f"{upper}/empty")


def test_drift_does_not_run(container, blocking):
    assert_refused(container.sh(DROP_AND_RUN.format(path="/opt/tool")))
    alert = blocking.wait_alert(container.id, "createExecutable", "/opt/tool")
    assert_blocked_alert(alert, "createExecutable", "/opt/tool")


def test_what_the_host_writes_does_not_run(container, blocking, build):
    shutil.copy(f"{build}/tests/evasion/payload", f"{container.root}/opt/from-host")
    assert_refused(container.exec("/opt/from-host"))
    alert = blocking.wait_alert(container.id, "createExecutable", "/opt/from-host")
    assert alert["holdfast"]["mechanism"] == "exec_gate"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_image_runs_when_the_upper_directory_is_older(runtime, bundle, blocking, work, targets):
    """A clock that was stepped back, or layers that were restored: by birth time alone, every
    file of the image would be drift."""
    lower = f"{work}/later-{runtime}"
    container = bundle(runtime, lower)  # makes the upper directory
    time.sleep(0.05)
    image_tree(lower, targets)
    container.start()
    assert container.exec("/app/victim").returncode == 0
    assert container.sh("ls / && date && /app/victim", check=True)
    assert blocking.alerts(container.id) == []
    assert_refused(container.sh(DROP_AND_RUN.format(path="/tmp/x")))
    assert_refused(container.sh("echo x >> /app/victim"))
    container.remove()
