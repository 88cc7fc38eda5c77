"""Room on the disk, descriptors, memory and processes run short."""
import contextlib
import json
import os
import signal
import time
import uuid

import pytest

from conftest import LONG, lost_alerts
from processes import descriptors, kill, worker
from shell import run, stuck_processes, wait_until

SECONDS = 30 if LONG else 2
FEW = 128
LARGE_BYTES = 64 << 20


def told_of_loss(directory):
    """How many were lost, of each document that says so."""
    with open(f"{directory}/alerts.ndjson", encoding="utf-8") as file:
        documents = [json.loads(line) for line in file if line.endswith("\n")]
    return [document["holdfast"]["lost"] for document in documents
            if document["holdfast"].get("lost")]


def test_alert_disk_full(make_daemon, block_policy, loaded, load, assert_kept, table, work,
                         settings_file):
    small = f"{work}/small"
    os.makedirs(small)
    run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small)
    try:
        container = loaded()
        daemon = make_daemon(block_policy, settings=settings_file(alert_queue=4, log_dir=small),
                             state_dir=f"{work}/state.full",
                             arguments=("--alerts", f"{small}/alerts.ndjson"))
        with open(f"{small}/filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))
        running = load(container, 4, SECONDS)
        for number in range(12):  # acts that are no repeats of each other
            container.sh(f"cp /app/payload /tmp/n{number}")
        counts = running.counts()
        assert_kept(counts)
        status = daemon.status()
        assert status["alerts"]["lost"] > 0 and status["alerts"]["write_errors"] > 0, status
        assert status["health"] == "degraded"
        os.unlink(f"{small}/filler")
        wait_until(lambda: told_of_loss(small), 5, "the document of what was lost")
        wait_until(lambda: daemon.status()["alerts"]["queued"] == 0, 5, "the queue to be written")
        told = told_of_loss(small)
        lost = sum(told)
        assert lost == daemon.status()["alerts"]["lost"], (lost, daemon.status())
        table("alert disk full", 1, f"right answers; {len(told)} document(s) tell of the lost",
              counts["longest_ms"], len(stuck_processes()), lost)
        daemon.stop()
    finally:
        run("umount", "-l", small)


def test_few_descriptors(make_daemon, block_policy, loaded, load, load_lower, assert_kept, table,
                         work):
    """Openers that wait for a large comparison: reads stop in time, nobody is denied by the
    kernel."""
    large = f"{work}/large"
    os.makedirs(f"{large}/app")
    run("cp", f"{load_lower}/app/copied", f"{large}/app/copied")
    os.truncate(f"{large}/app/copied", LARGE_BYTES)
    containers = [loaded(above=large) for _ in range(8)]
    daemon = make_daemon(block_policy, prefix=("prlimit", f"--nofile={FEW}:{FEW}", "--"))
    running = [load(container, 16, SECONDS) for container in containers]
    most, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        most = max(most, descriptors(worker(daemon))["all"])
        time.sleep(0.01)
    counts = [one.counts() for one in running]
    status = daemon.status()
    table(f"{FEW} descriptors, 128 processes", f"{most} used",
          f"{sum(one['image_ran'] for one in counts)} image runs, "
          f"{sum(one['image_refused'] + one['copied_refused'] for one in counts)} refused, "
          f"paused {status['events']['paused']} times",
          max(one["longest_ms"] for one in counts), 0, status["alerts"]["lost"])
    for one in counts:
        assert_kept(one)
    assert status["events"]["denied_by_kernel"] == {}, status
    assert status["events"]["paused"] > 0 and most < FEW


def first_free_descriptor(pid):
    """Below it all are open for good: what is opened for a moment only does not count."""
    lasting = set(os.listdir(f"/proc/{pid}/fd"))
    for _ in range(10):
        time.sleep(0.05)
        lasting &= set(os.listdir(f"/proc/{pid}/fd"))
    return next(number for number in range(1 << 20) if str(number) not in lasting)


def test_no_descriptor_at_all(make_daemon, block_policy, loaded, load, table):
    """At the very limit the kernel denies without asking: counted, and told once a cause."""
    container = loaded()
    daemon = make_daemon(block_policy)
    pid = worker(daemon)
    run("prlimit", "--pid", pid, f"--nofile={first_free_descriptor(pid)}:")
    for _ in range(3):
        container.sh("true")
    run("prlimit", "--pid", pid, "--nofile=1024:")
    status = wait_until(lambda: daemon.status()["events"]["denied_by_kernel"] and daemon.status(),
                        5, "the denials to be counted")
    denied = status["events"]["denied_by_kernel"]
    told = wait_until(lambda: [document for document in daemon.documents()
                               if "denied by the kernel" in document.get("message", "")],
                      5, "a document")
    counts = load(container, 2, 1).counts()
    table("no descriptor left in the worker", sum(denied.values()),
          f"EPERM while it lasts ({denied}); {len(told)} document", counts["longest_ms"],
          len(stuck_processes()), lost_alerts(daemon))
    assert list(denied) == ["EMFILE"] and len(told) == 1, (denied, told)
    assert counts["image_refused"] == 0 and counts["drift_ran"] == 0


def test_no_memory(make_daemon, block_policy, loaded, load, assert_kept, table):
    """The worker gets no more memory: it may die of it, and is replaced."""
    containers = [loaded() for _ in range(2)]
    daemon = make_daemon(block_policy)
    running = [load(container, 8, SECONDS + 1) for container in containers]
    time.sleep(0.3)
    pid = worker(daemon)
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        size = next(int(line.split()[1]) for line in status if line.startswith("VmSize"))
    run("prlimit", "--pid", pid, f"--as={(size + 64) << 10}:")
    for number in range(20):
        containers[0].sh(f"cp /app/payload /tmp/m{number}; chown {number}:1 /opt/dir/tool; /opt/dir/tool")
    counts = [one.counts() for one in running]
    def answers():  # the question may be what the worker dies of
        return run(daemon.binary, "status", "--state-dir", daemon.state_dir,
                   check=False).returncode == 0
    wait_until(answers, 5, "a worker that answers")
    status = daemon.status()
    table("no more memory for the worker", 1,
          f"{sum(one['image_ran'] for one in counts)} image runs; "
          f"{status['worker']['restarts']} workers replaced",
          max(one["longest_ms"] for one in counts), len(stuck_processes()), lost_alerts(daemon))
    for one in counts:
        assert_kept(one)


@contextlib.contextmanager
def pids_cgroup(*processes):
    """A cgroup that bounds how many processes and threads there are."""
    base = "/sys/fs/cgroup/pids"
    if not os.path.isdir(base):
        pytest.skip("no cgroup v1 pids controller on this machine")
    group = f"{base}/holdfast-test-{uuid.uuid4().hex[:8]}"
    os.mkdir(group)

    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(str(text))
    for pid in processes:
        write(f"{group}/cgroup.procs", pid)
    try:
        yield lambda most: write(f"{group}/pids.max", most)
    finally:
        write(f"{group}/pids.max", "max")
        for _ in range(100):
            with open(f"{group}/cgroup.procs", encoding="utf-8") as file:
                left = file.read().split()
            for pid in left:
                with contextlib.suppress(OSError):
                    write(f"{base}/cgroup.procs", pid)
            with contextlib.suppress(OSError):
                os.rmdir(group)
                break
            time.sleep(0.02)


def test_no_worker_can_be_started(make_daemon, block_policy, loaded, load, table):
    """clone() fails: openers get the fail mode's answer, not none; then there is a worker again.
    (RLIMIT_NPROC does not bind root: a pids cgroup does.)"""
    container = loaded()
    daemon = make_daemon(block_policy)
    with pids_cgroup(daemon.process.pid, worker(daemon)) as limit:
        limit(1)
        kill(worker(daemon), signal.SIGKILL)
        begin = time.monotonic()
        done = container.sh("/app/victim")
        took = time.monotonic() - begin
        limit("max")
        wait_until(lambda: worker(daemon) is not None, 5, "a worker")
    assert done.returncode == 0 and took < 2, (done.stdout, took)
    counts = wait_until(lambda: load(container, 2, 1).counts(), 5)
    assert counts["drift_ran"] == 0 and counts["image_refused"] == 0
    undecided = daemon.status()["events"]["undecided"]
    wait_until(lambda: [document for document in daemon.documents()
                        if "answered undecided" in document.get("message", "")], 5, "a document")
    table("no worker can be started", 1, f"{undecided} opens answered by the fail mode, one "
          "document", took * 1000, len(stuck_processes()), lost_alerts(daemon))
    assert undecided > 0
