"""The daemon is stopped or frozen: what it covers waits, everything else goes on."""
import contextlib
import os
import subprocess
import time
import uuid

import pytest

from conftest import LONG, lost_alerts
from expect import PAYLOAD_STATUS
from processes import hold, stopped, worker
from shell import run, stuck_processes, wait_until

FREEZER = "/sys/fs/cgroup/freezer"
MOST_S = 2.0  # a container start is held 200 ms at the most; the rest is the runtime's own time


@contextlib.contextmanager
def frozen(*processes):
    """Processes in the cgroup freezer, and back out of it."""
    if not os.path.isdir(FREEZER):
        pytest.skip("no cgroup v1 freezer on this machine")
    group = f"{FREEZER}/holdfast-test-{uuid.uuid4().hex[:8]}"

    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(str(text))
    before = {}
    for pid in processes:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            before[pid] = next(line.strip().split(":")[2] for line in file if ":freezer:" in line)
    os.mkdir(group)
    try:
        for pid in processes:
            write(f"{group}/cgroup.procs", pid)
        write(f"{group}/freezer.state", "FROZEN")
        yield
    finally:
        write(f"{group}/freezer.state", "THAWED")
        for pid, place in before.items():
            with contextlib.suppress(OSError):  # it was replaced meanwhile
                write(f"{FREEZER}{place}/cgroup.procs", pid)
        for pid in open(f"{group}/cgroup.procs", encoding="utf-8").read().split():
            write(f"{FREEZER}/cgroup.procs", pid)
        wait_until(lambda: not open(f"{group}/cgroup.procs", encoding="utf-8").read(), 5)
        os.rmdir(group)


def timed(act):
    begin = time.monotonic()
    act()
    return time.monotonic() - begin


@pytest.mark.parametrize("how", [stopped, frozen], ids=["SIGSTOP", "cgroup freezer"])
def test_the_host_and_the_runtime_go_on(make_daemon, block_policy, bundle, load_lower, loaded,
                                        podman, table, how):
    covered, ending, deleted = loaded(), loaded(), loaded()
    pods = podman.start()
    new, plain = bundle("runc", load_lower), bundle("runc", load_lower)
    daemon = make_daemon(block_policy)
    with how(daemon.process.pid, worker(daemon)):
        waits = subprocess.Popen(["runc", "exec", covered.id, "/app/victim"],
                                 stdin=subprocess.DEVNULL)
        drifted = subprocess.Popen(["runc", "exec", covered.id, "/tmp/drift"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        took = {
            "host exec": timed(lambda: run("/bin/true")),
            "runc kill": timed(lambda: run("runc", "kill", ending.id, "KILL")),
            "runc delete": timed(lambda: run("runc", "delete", "-f", deleted.id)),
            "runc run": timed(lambda: new.start()),
            "runc run again": timed(lambda: plain.start()),
            "podman stop": timed(lambda: podman("stop", "-t", "0", pods.id)),
        }
        time.sleep(3 if LONG else 0.5)
        assert waits.poll() is None and drifted.poll() is None, "a covered container did not wait"
    begin = time.monotonic()
    assert waits.wait(timeout=10) == 0
    assert drifted.wait(timeout=10) not in (0, PAYLOAD_STATUS)
    table(f"keeper and worker: {how.__name__}", 1,
          ", ".join(f"{what} {seconds * 1000:.0f} ms" for what, seconds in took.items())
          + "; the covered one waited", (time.monotonic() - begin) * 1000,
          len(stuck_processes()), lost_alerts(daemon))
    assert max(took.values()) < MOST_S, took
    assert stuck_processes() == []
    # What started meanwhile is covered now.
    def refused():
        return new.sh("cp /app/payload /tmp/x && /tmp/x").returncode == 1
    wait_until(refused, 5, "the new container to be covered")
    pods.remove()


def test_the_keeper_alone_is_stopped(make_daemon, block_policy, loaded, load, assert_kept, table):
    container = loaded()
    daemon = make_daemon(block_policy)
    with stopped(daemon.process.pid):
        counts = load(container, 2, 20 if LONG else 2).counts()
    assert_kept(counts)
    assert counts["longest_ms"] < 1000, counts
    table("keeper stopped", 1, "answers as ever", counts["longest_ms"], 0, lost_alerts(daemon))
    assert daemon.status()["worker"]["restarts"] == 0


def test_the_runtime_hold_is_stopped_too(make_daemon, block_policy, bundle, load_lower, table):
    """A hold that is stopped before it has anything to hold cannot kill itself: new starts wait,
    can be killed, and go on when it does. Nothing else waits."""
    daemon = make_daemon(block_policy)
    wait_until(lambda: daemon.status()["runtime_hold"]["ready"], 5, "the hold")
    with stopped(daemon.process.pid, worker(daemon), hold(daemon)):
        assert timed(lambda: run("/bin/true")) < MOST_S
        # Through a shell: Popen() itself waits for the exec that it starts.
        waits, killed = [subprocess.Popen(["sh", "-c", "exec runc --version"],
                                          stdout=subprocess.DEVNULL) for _ in range(2)]
        time.sleep(0.5)
        outcome = "container starts wait" if waits.poll() is None else "container starts go on"
        killed.kill()
        killed.wait(timeout=5)
    begin = time.monotonic()
    assert waits.wait(timeout=5) == 0
    table("the whole service stopped, with its hold", 1, outcome,
          (time.monotonic() - begin) * 1000, len(stuck_processes()), lost_alerts(daemon))
