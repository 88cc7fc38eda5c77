"""A container process whose mmap lock never comes free: nothing of the daemon waits for it."""
import time

import pytest

from containers import image_tree
from expect import assert_blocked_alert, assert_refused
from shell import wait_until

# Reading these takes the mmap lock; maps does not where the kernel locks mappings one by one (6.17).
WAITS = ["cmdline", "environ", "smaps"]
PASSES = ["stat", "status", "comm", "exe", "cwd", "root", "cgroup", "syscall", "ns/mnt"]


@pytest.fixture(scope="module")
def hostile(bundle, work, build, targets):
    lower = image_tree(f"{work}/lower-hostage", [*targets, f"{build}/tests/e2e/mmap_hostage"])

    def make():
        return bundle("runc", lower, devices=["/dev/fuse"])
    return make


def test_which_proc_files_wait_for_the_lock(hostile):
    """What the daemon relies on: it asks those that pass, and the others with a limit."""
    done = hostile().run("/app/mmap_hostage", "probe")
    assert done.returncode == 0, done.stdout
    seen = dict(line.split() for line in done.stdout.splitlines())
    assert [name for name in WAITS if seen[name] != "waits"] == []
    assert [name for name in PASSES if seen[name] != "passes"] == []


def test_answers_do_not_wait_for_the_lock(hostile, bundle, lower, blocking):
    other = bundle("runc", lower).start()
    hostages = [hostile().start("/app/mmap_hostage", "drop", "10") for _ in range(4)]
    outputs = [f"{container.directory}/output" for container in hostages]

    def told(path):
        with open(path, encoding="utf-8") as output:
            return output.read()
    for container, output in zip(hostages, outputs):
        wait_until(lambda path=output: "errno=" in told(path), 10, "the hostage's answer")
        result = dict(word.split("=") for word in told(output).split() if "=" in word)
        assert result["errno"] == "1", told(output)
        assert int(result["ms"]) < 500, told(output)
        alert = blocking.wait_alert(container.id, "createExecutable", "/tmp/x")
        assert_blocked_alert(alert, "createExecutable", "/tmp/x", "mmap_hostage")
        assert "args" not in alert["process"] and alert["holdfast"]["args_unread"]
    # While all locks are still held, another container is served as ever, and told of in full.
    begin = time.monotonic()
    assert_refused(other.exec("cp", "/bin/busybox", "/tmp/x"))
    assert time.monotonic() - begin < 2
    alert = blocking.wait_alert(other.id, "createExecutable", "/tmp/x")
    assert alert["process"]["args"] == ["cp", "/bin/busybox", "/tmp/x"]
    # A copied-up file is compared; whether it is mapped cannot be known: it is refused, in time.
    other.sh("chown 1:1 /app/victim")
    begin = time.monotonic()
    other.exec("/app/victim")
    assert time.monotonic() - begin < 5
    for container in hostages:
        container.remove()


def test_the_daemon_stops_while_a_lock_is_held(make_daemon, blocking, block_policy, hostile):
    blocking.stop()
    daemon = make_daemon(block_policy)
    container = hostile().start("/app/mmap_hostage", "drop", "20")
    daemon.wait_alert(container.id, "createExecutable", "/tmp/x")
    daemon.stop()
    container.remove()
