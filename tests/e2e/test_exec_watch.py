"""The exec watch: what runs from where no mark is or from memory is killed; nothing else is."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from containers import IMAGE
from expect import PAYLOAD_STATUS
from lingering import TOOL, UNMARKED, detach, processes_of
from shell import run, wait_until

RUNTIMES = ["runc", "crun"]
# HOLDFAST_LONG=1: what takes too long for each run of the tests.
LONG = bool(os.environ.get("HOLDFAST_LONG"))
KILLED = 128 + 9


def assert_killed_alert(alert, operation):
    assert alert["holdfast"]["operation"] == operation
    assert alert["holdfast"]["outcome"] == "killed"
    assert alert["holdfast"]["mechanism"] == "exec_watch"
    assert alert["process"]["args"][-1] == "linger"
    assert alert["cloud_defend"]["matched_selectors"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_runs_from_an_unmarked_filesystem_is_killed(runtime, start, blocking):
    container = start(runtime)
    done = container.exec(*UNMARKED, "linger", timeout=20)
    assert done.returncode == KILLED, done.stdout
    alert = blocking.wait_alert(container.id, path="/tmp/own/tool", outcome="killed")
    assert_killed_alert(alert, "createExecutable")
    assert container.exec("/app/victim").returncode == 0  # the container goes on


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_memory_file_is_killed(runtime, start, blocking):
    container = start(runtime)
    done = container.exec(TOOL, "memory", timeout=20)
    assert done.returncode == KILLED, done.stdout
    alert = blocking.wait_alert(container.id, "execMemFd", outcome="killed")
    assert_killed_alert(alert, "execMemFd")
    assert alert["file"]["name"] == "tool"


def test_a_file_of_an_unmounted_filesystem_is_killed(start, blocking):
    container = start()
    done = container.exec(*UNMARKED, "unmounted", "linger", timeout=20)
    assert done.returncode == KILLED, done.stdout
    blocking.wait_alert(container.id, "createExecutable", outcome="killed")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_runtimes_at_work_are_left_alone(runtime, start, podman, blocking):
    killed = blocking.status()["events"]["killed"]
    container = start(runtime)
    for _ in range(100):
        assert container.exec("/app/victim").returncode == 0
    named = podman.start(runtime=runtime)
    for _ in range(100 if LONG else 15):
        assert named.exec("/app/victim").returncode == 0
        podman("--runtime", runtime, "run", "--rm", "--network=none", IMAGE, "/app/victim")
    named.remove()
    assert blocking.status()["events"]["killed"] == killed
    assert blocking.alerts(container.id) == []
    container.remove()


def test_the_host_is_left_alone(blocking, work, build):
    """A new program, a tmpfs, a memory file: the host's own."""
    tmpfs = f"{work}/host-tmpfs"
    os.makedirs(tmpfs)
    run("mount", "-t", "tmpfs", "tmpfs", tmpfs)
    shutil.copy(f"{build}/tests/evasion/payload", f"{tmpfs}/payload")
    for _ in range(50):
        assert run(f"{tmpfs}/payload", check=False).returncode == PAYLOAD_STATUS
    lingering = subprocess.Popen([f"{build}/tests/e2e/exec_window", "memory"])
    time.sleep(0.5)
    assert lingering.poll() is None
    lingering.kill()
    lingering.wait()
    run("umount", tmpfs)
    assert blocking.alerts(path=f"{tmpfs}/payload") == []


def figures(text):
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", text)}


def test_a_storm_of_execs_kills_nothing(start, blocking):
    container = start()
    before = blocking.status()
    done = container.exec(TOOL, "storm", "2000", "/bin/true", timeout=120)
    print(done.stdout)
    assert figures(done.stdout)["failed"] == 0, done.stdout

    # Most are gone when they are looked at: all are heard of, whoever they are.
    def all_seen():
        now = blocking.status()["exec_watch"]
        return now["execs"] - before["exec_watch"]["execs"] >= 2000 or now["lost"]
    wait_until(all_seen, 20, "the watch to have looked at each")
    assert blocking.status()["events"]["killed"] == before["events"]["killed"]
    assert blocking.alerts(container.id) == []


@pytest.mark.parametrize("busy", [0, 2])
def test_the_window(busy, start, blocking):
    """Printed for docs/architecture.md; the bound is for a machine that others use too."""
    container = start()
    rounds = 500 if LONG else 40
    loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(busy)]
    try:
        done = container.exec(*UNMARKED, "measure", str(rounds), timeout=200)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    print(f"{busy} busy loops: {done.stdout}")
    measured = figures(done.stdout)
    assert measured["killed"] == rounds, done.stdout
    assert measured["dead_median_us"] < 1_000_000


def test_when_execs_went_unheard_all_are_looked_at(start, blocking, build):
    container = start()
    detach(container, *UNMARKED, "until", "/tmp/go", "linger")
    worker = blocking.status()["worker"]["pid"]
    lost = blocking.status()["exec_watch"]["lost"]
    # Asleep while the host runs 8,000 programs: the buffer overflows.
    os.kill(worker, signal.SIGSTOP)
    try:
        run(f"{build}/tests/e2e/exec_window", "storm", "8000", "/bin/true", timeout=200)
        os.mkdir(f"{container.root}/tmp/go")
        wait_until(lambda: processes_of("/own/tool"), 5, "the exec")
    finally:
        os.kill(worker, signal.SIGCONT)
    alert = blocking.wait_alert(container.id, path="/tmp/own/tool", outcome="killed", timeout=20)
    assert_killed_alert(alert, "createExecutable")
    assert blocking.status()["exec_watch"]["lost"] > lost
