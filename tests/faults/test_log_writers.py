"""Where the daemon's own words go does not take them: containers go on with right answers."""
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time

from conftest import LONG, lost_alerts
from expect import assert_refused
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


def test_alert_log_on_a_frozen_filesystem(make_daemon, block_policy, loaded, load, assert_kept,
                                          table, work, settings_file):
    image, place = f"{work}/frozen.img", f"{work}/frozen"
    os.makedirs(place)
    with open(image, "wb") as file:
        file.truncate(32 << 20)
    run("mkfs.ext4", "-q", image)
    run("mount", "-o", "loop", image, place)
    container = loaded()
    try:
        daemon = make_daemon(block_policy, settings=settings_file(alert_queue=4),
                             arguments=("--alerts", f"{place}/alerts.ndjson"))
        run("fsfreeze", "-f", place)
        try:
            counts = stalled_log(daemon, container, load, assert_kept,
                                 lambda: run("fsfreeze", "-u", place, check=False))
        finally:
            run("fsfreeze", "-u", place, check=False)
        status = daemon.status()

        def told():
            with open(f"{place}/alerts.ndjson", encoding="utf-8") as file:
                return sum(json.loads(line)["holdfast"].get("lost", 0) for line in file)
        wait_until(lambda: told() == status["alerts"]["lost"], 5, "the document of what was lost")
        table("alert log on a frozen filesystem", 1, "right answers", counts["longest_ms"],
              len(stuck_processes()), told())
        assert told() > 0 and status["worker"]["restarts"] == 0
        daemon.stop()
    finally:
        run("umount", "-l", place)


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
