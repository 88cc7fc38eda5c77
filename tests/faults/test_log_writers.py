"""Where the daemon's own words go does not take them: containers go on with right answers."""
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import tempfile
import time

import pytest

from conftest import LONG, lost_alerts
from expect import assert_refused
from processes import kill, worker
from shell import run, stuck_processes, wait_until

SECONDS = 30 if LONG else 1
F_SETPIPE_SZ = 1031


def test_stderr_that_nobody_reads(make_daemon, block_policy, bundle, load_lower, loaded, load,
                                  assert_kept, table):
    container = loaded()
    daemon = make_daemon(block_policy, start=False)
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"." * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writer, True)
    daemon.process = subprocess.Popen([str(word) for word in daemon.command], stderr=writer,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    os.close(writer)
    try:
        wait_until(lambda: run(daemon.binary, "status", "--state-dir", daemon.state_dir,
                               check=False).returncode == 0, 10, "the daemon")
        for _ in range(5):  # each start and end is a line in the log
            bundle("runc", load_lower).start().remove()
        counts = load(container, 4, SECONDS).counts()
        assert_kept(counts)
        table("stderr is a full pipe", 1, "right answers", counts["longest_ms"],
              len(stuck_processes()), lost_alerts(daemon))
        daemon.stop()
    finally:
        daemon.kill()
        os.close(reader)


def test_stderr_is_a_file_on_a_frozen_filesystem(make_daemon, block_policy, bundle, load_lower, loaded, load,
                                                 assert_kept, table, frozen):
    container = loaded()
    daemon = make_daemon(block_policy, start=False)
    with open(f"{frozen.place}/log", "wb") as log:
        daemon.process = subprocess.Popen([str(word) for word in daemon.command], stderr=log,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: run(daemon.binary, "status", "--state-dir", daemon.state_dir,
                               check=False).returncode == 0, 10, "the daemon")
        with frozen.now():
            for _ in range(3):  # each start and end is a line in the log
                bundle("runc", load_lower).start().remove()
            kill(worker(daemon), signal.SIGKILL)  # the keeper has something to say too
            counts = load(container, 4, SECONDS).counts()
            assert_kept(counts)
            assert counts["longest_ms"] < 1000, counts
        table("stderr is a file on a frozen filesystem", 1, "right answers", counts["longest_ms"],
              len(stuck_processes()), lost_alerts(daemon))
        assert daemon.status()["worker"]["restarts"] == 1
        daemon.stop()
        with open(f"{frozen.place}/log", encoding="utf-8") as log:
            text = log.read()
        assert text.count("covering") >= 4 and "stopping" in text, text
    finally:
        daemon.kill()


def stalled_log(daemon, container, load, assert_kept, go_on):
    """Load while the alert log stalls; then the documents that were kept, and what was lost."""
    counts = load(container, 4, SECONDS).counts()
    assert_kept(counts)
    for number in range(12):  # no repeats of each other
        container.sh(f"cp /app/payload /tmp/n{number}")
    assert daemon.status()["containers"]

    def written():
        go_on()
        return daemon.status()["alerts"]["queued"] == 0
    wait_until(written, 10, "the queue to be written")
    return counts


def test_alert_log_is_a_fifo_that_nobody_reads(make_daemon, block_policy, loaded, load,
                                               assert_kept, table, work, settings_file):
    fifo = f"{work}/alerts.fifo"
    os.mkfifo(fifo)
    keeper = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(keeper, F_SETPIPE_SZ, 4096)
    container = loaded()
    daemon = make_daemon(block_policy, settings=settings_file(alert_queue=4),
                         arguments=("--alerts", fifo))
    got = bytearray()

    def read_on():
        with contextlib.suppress(BlockingIOError):
            while True:
                got.extend(os.read(keeper, 1 << 16))

    def told():
        read_on()
        return [json.loads(line)["holdfast"].get("lost", 0)
                for line in got.decode().splitlines(keepends=True) if line.endswith("\n")]
    counts = stalled_log(daemon, container, load, assert_kept, read_on)
    lost = daemon.status()["alerts"]["lost"]
    assert lost > 0
    wait_until(lambda: sum(told()) == lost, 5, "the document of what was lost")
    table("alert log is a FIFO that nobody reads", 1, "right answers", counts["longest_ms"],
          len(stuck_processes()), lost)
    daemon.stop()
    os.close(keeper)


class Frozen:
    """A filesystem on which writes can be made to wait."""

    def __init__(self, place):
        self.place = place
        os.makedirs(place)
        with open(f"{place}.img", "wb") as file:
            file.truncate(32 << 20)
        run("mkfs.ext4", "-q", f"{place}.img")
        run("mount", "-o", "loop", f"{place}.img", place)

    @contextlib.contextmanager
    def now(self):
        run("fsfreeze", "-f", self.place)
        try:
            yield
        finally:
            self.thaw()

    def thaw(self):
        run("fsfreeze", "-u", self.place, check=False)


@pytest.fixture
def frozen(work):
    filesystem = Frozen(tempfile.mkdtemp(prefix="frozen.", dir=work) + "/mnt")
    yield filesystem
    run("umount", "-l", filesystem.place)


def test_alert_log_on_a_frozen_filesystem(make_daemon, block_policy, loaded, load, assert_kept,
                                          table, frozen, settings_file):
    container = loaded()
    log = f"{frozen.place}/alerts.ndjson"
    daemon = make_daemon(block_policy, settings=settings_file(alert_queue=4), arguments=("--alerts", log))
    with frozen.now():
        counts = stalled_log(daemon, container, load, assert_kept, frozen.thaw)
    status = daemon.status()

    def told():
        with open(log, encoding="utf-8") as file:
            return sum(json.loads(line)["holdfast"].get("lost", 0) for line in file)
    wait_until(lambda: told() == status["alerts"]["lost"], 5, "the document of what was lost")
    table("alert log on a frozen filesystem", 1, "right answers", counts["longest_ms"],
          len(stuck_processes()), told())
    assert told() > 0 and status["worker"]["restarts"] == 0
    daemon.stop()


def test_runtimes_log_writer_is_stopped(make_daemon, block_policy, podman, table):
    """conmon, which writes the container's log and waits for it, is stopped."""
    container = podman.start()
    daemon = make_daemon(block_policy)
    with open(f"/proc/{container.pid()}/stat", encoding="utf-8") as stat:
        conmon = int(stat.read().rpartition(")")[2].split()[1])
    with open(f"/proc/{conmon}/comm", encoding="utf-8") as comm:
        assert comm.read().strip() == "conmon"
    os.kill(conmon, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        assert container.exec("/app/victim").returncode == 0
        took = time.monotonic() - begin
        assert_refused(container.exec("cp", "/app/payload", "/tmp/x"))
        daemon.wait_alert(container.id, "createExecutable", "/tmp/x")
    finally:
        os.kill(conmon, signal.SIGCONT)
    table("the runtime's log writer is stopped", 1, "right answers", took * 1000,
          len(stuck_processes()), lost_alerts(daemon))
    container.remove()
