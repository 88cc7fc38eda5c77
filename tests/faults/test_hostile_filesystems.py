"""Filesystems that never answer, of a container's own and under one: the others do not notice."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import LONG, lost_alerts
from containers import CAPABILITIES
from processes import kill
from shell import run, stuck_processes, wait_until


class Stalling:
    """stalling_fuse on the host: shows a directory, and stalls on command."""

    def __init__(self, build, source, mount_point, kinds):
        os.makedirs(mount_point, exist_ok=True)
        self.mount_point = mount_point
        self.process = subprocess.Popen(
            [f"{build}/tests/faults/stalling_fuse", source, mount_point, kinds],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "mounted\n"

    @contextlib.contextmanager
    def stalled(self):
        self.process.send_signal(signal.SIGUSR1)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGUSR2)

    def end(self):
        kill(self.process.pid, signal.SIGKILL)  # the kernel fails what still waits
        self.process.wait(timeout=5)
        run("umount", "-l", self.mount_point, check=False)


class SlowDisk:
    """A lower layer on ext4, on a loop device whose file lies on a stalling filesystem: a disk that
    stops answering."""

    def __init__(self, build, lower, directory):
        self.mount_point = f"{directory}/layer"
        for name in ("image", "shown", "layer"):
            os.makedirs(f"{directory}/{name}")
        run("mke2fs", "-q", "-t", "ext4", "-d", lower, f"{directory}/image/disk", "128M")
        self.server = Stalling(build, f"{directory}/image", f"{directory}/shown", "r")
        self.device = run("losetup", "--find", "--show", "--read-only",
                          f"{directory}/shown/disk").stdout.strip()
        run("mount", "-o", "ro,noload", self.device, self.mount_point)

    def stalled(self):
        """What was read of the layer is forgotten first."""
        for directory, _, names in os.walk(self.mount_point):
            for name in names:
                path = os.path.join(directory, name)
                if not os.path.islink(path):
                    self._forget(path)
        self._forget(self.device)
        self._forget(f"{self.server.mount_point}/disk")
        return self.server.stalled()

    @staticmethod
    def _forget(path):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)

    def end(self):
        run("umount", "-l", self.mount_point, check=False)
        self.server.end()
        run("losetup", "--detach", self.device, check=False)


@pytest.fixture
def slow_lower(build, load_lower, work):
    """A factory of lower layers on disks that stall."""
    made = []

    def make():
        made.append(SlowDisk(build, load_lower, f"{work}/slow-{len(made)}"))
        return made[-1]
    yield make
    for one in made:
        one.end()
        shutil.rmtree(os.path.dirname(one.mount_point))


def attempt(container, *command):
    return subprocess.Popen([container.runtime, "exec", container.id, *command],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def start_openers(container, openers):
    """open_together, waiting for its word."""
    running = subprocess.Popen(["runc", "exec", container.id, "/app/open_together", *openers],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdout.readline() == "ready\n"
    return running


def copied_up(container):
    """Copied-up executables that no comparison knows yet."""
    container.sh("chown 1:1 /app/copied /opt/dir/tool", check=True)


def test_fuse_of_the_containers_own(make_daemon, block_policy, bundle, load_lower, loaded, load,
                                    assert_kept, table):
    """Its server never answers: what touches it hangs by itself, and goes with the container."""
    container = bundle("runc", load_lower, devices=("/dev/fuse",)).start()
    quiet = loaded()
    daemon = make_daemon(block_policy)
    container.sh("mkdir /mnt && (/app/stalling_fuse /app /mnt RO >/tmp/mounted 2>&1 &) && "
                 "while ! grep mounted /tmp/mounted; do sleep 0.05; done", check=True, timeout=5)
    hanging = [attempt(container, "/mnt/victim"), attempt(container, "cat", "/mnt/victim"),
               attempt(container, "sh", "-c", "echo x >/mnt/victim")]
    counts = load(quiet, 2, 3).counts()
    assert_kept(counts)
    assert counts["longest_ms"] < 1000, counts
    assert [one.poll() for one in hanging] == [None] * 3
    # All else of the same container works, and is judged.
    assert container.sh("/app/victim").returncode == 0
    assert container.sh("cp /app/payload /tmp/x").returncode == 1
    status = daemon.status()
    assert status["worker"]["restarts"] == 0 and status["events"]["undecided"] == 0, status
    container.remove()
    for one in hanging:
        one.wait(timeout=10)
    assert stuck_processes() == []
    table("FUSE of a container's own never answers", len(hanging),
          "only what touches it hangs; others go on", counts["longest_ms"], 0, lost_alerts(daemon))


def test_slow_layer_stalls_a_comparison(make_daemon, block_policy, bundle, slow_lower, table):
    """Decided within the deadline, as drift, and told so; right again when the disk is back."""
    layer = slow_lower()
    container = bundle("runc", layer.mount_point).start()
    copied_up(container)
    daemon = make_daemon(block_policy)
    wait_until(lambda: daemon.status()["containers"], 5, "the container to be covered")
    waits = attempt(container, "/bin/true")  # runc's own part is in the page cache now
    assert waits.wait(timeout=5) == 0
    with layer.stalled():
        begin = time.monotonic()
        refused = attempt(container, "/app/copied")
        status = refused.wait(timeout=6)
        took = time.monotonic() - begin
        assert status != 0 and took < 3.5, (status, took)
        alert = daemon.wait_alert(container.id, path="/app/copied")
        assert "in time" in alert["holdfast"].get("reason", alert["message"]), alert
        assert daemon.status()["events"]["uncompared"] >= 1
    wait_until(lambda: container.sh("/app/copied").returncode == 0, 5, "the right answer")
    table("image layer stalls a comparison", 1, "refused as drift at the deadline, then runs again",
          took * 1000, len(stuck_processes()), lost_alerts(daemon))
    assert daemon.status()["worker"]["restarts"] == 0


@pytest.mark.parametrize("slow_containers", [1, 3] if LONG else [3])
def test_slow_layer_does_not_slow_others(make_daemon, block_policy, bundle, slow_lower, loaded,
                                         load, assert_kept, table, slow_containers):
    """More stalled openers than the daemon has threads to begin with."""
    layers = [slow_lower() for _ in range(slow_containers)]
    slow = [bundle("runc", layer.mount_point,
                   capabilities=[*CAPABILITIES, "CAP_IPC_LOCK"]).start() for layer in layers]
    for container in slow:
        copied_up(container)
    quiet = loaded()
    daemon = make_daemon(block_policy)
    wait_until(lambda: len(daemon.status()["containers"]) > slow_containers, 5, "coverage")
    # Each file once: to open one whose pages are being read is to wait for them in the kernel.
    openers = ["x:/app/copied", "x:/opt/dir/tool", "x:/app/other_user", "x:/app/hard_link",
               "r:/app/symlink_swap"]
    running = [start_openers(container, openers) for container in slow]
    with contextlib.ExitStack() as stalls:
        for layer in layers:
            stalls.enter_context(layer.stalled())
        for one in running:
            one.stdin.write("go\n")
            one.stdin.flush()
        time.sleep(0.3)
        quiet.sh("chown 2:2 /app/copied", timeout=1.5)  # to be compared anew
        counts = load(quiet, 2, 3).counts(patience=2)
        worker = daemon.status()["worker"]
        waiting = [one.poll() is None for one in running]
    for one in running:
        one.communicate(timeout=30)
    table(f"image layers of {slow_containers} stall", len(openers) * slow_containers,
          f"others: {counts['image_ran']} image runs, {counts['copied_refused']} refused; "
          f"{worker['restarts']} workers replaced", counts["longest_ms"],
          len(stuck_processes()), lost_alerts(daemon))
    assert all(waiting) or daemon.status()["events"]["uncompared"] > 0, "nothing was stalled"
    assert_kept(counts)
    assert counts["longest_ms"] < 1000, counts


def test_layer_on_fuse_is_not_covered(make_daemon, block_policy, bundle, build, load_lower, work,
                                      loaded, load, assert_kept, table):
    """The kernel opens an event's file inside the daemon's read(): with a server that does not answer
    OPEN not even SIGKILL would end that. Such a container is told of, and harms nobody."""
    layer = Stalling(build, load_lower, f"{work}/fuse-layer", "rom")
    try:
        unguarded = bundle("runc", layer.mount_point).start()
        quiet = loaded()
        daemon = make_daemon(block_policy)
        told = daemon.wait_alert(unguarded.id, outcome="unprotected")
        assert "fuse" in told["message"], told
        with layer.stalled():
            waits = attempt(unguarded, "/app/victim")
            counts = load(quiet, 2, 3).counts(patience=2)
        waits.wait(timeout=10)
        assert_kept(counts)
        assert counts["longest_ms"] < 1000, counts
        assert daemon.status()["worker"]["restarts"] == 0
        table("image layer on FUSE never answers", 1, "told of as unprotected; others go on",
              counts["longest_ms"], len(stuck_processes()), lost_alerts(daemon))
        unguarded.remove()
    finally:
        layer.end()


def test_stop_while_a_comparison_is_stalled(make_daemon, block_policy, bundle, slow_lower, loaded,
                                            table):
    """The daemon stops, and leaves no mark behind that anybody would wait for."""
    layer = slow_lower()
    slow = bundle("runc", layer.mount_point).start()
    copied_up(slow)
    other = loaded()
    daemon = make_daemon(block_policy)
    wait_until(lambda: len(daemon.status()["containers"]) >= 2, 5, "both to be covered")
    with layer.stalled():
        waits = attempt(slow, "/app/copied")
        time.sleep(0.7)
        begin = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(timeout=10)
        stop = time.monotonic() - begin
        begin = time.monotonic()
        assert other.sh("/app/victim", timeout=5).returncode == 0
        took = time.monotonic() - begin
        waits_for = waits.poll()
    waits.wait(timeout=10)
    table("SIGTERM while a comparison is stalled", 1,
          f"stopped after {stop * 1000:.0f} ms, others go on", took * 1000,
          len(stuck_processes()), lost_alerts(daemon))
    assert took < 1.5 and stop < 3, (took, stop, waits_for)


def test_overlay_of_the_containers_own_over_its_fuse(make_daemon, block_policy, bundle, load_lower,
                                                     loaded, load, assert_kept, table):
    """Its first process changes into an overlay that it made over its own FUSE server; the layers'
    paths, read on the host, look harmless. Then the server stops answering."""
    script = ("mkdir -p /mnt /opt; /app/stalling_fuse / /mnt o >/tmp/mounted 2>&1 & "
              "while ! grep -q mounted /tmp/mounted; do sleep 0.05; done; "
              "mount -t overlay overlay -o lowerdir=/mnt:/opt /var && "
              "exec chroot /var /bin/busybox sleep 600")
    hostile = bundle("runc", load_lower, devices=("/dev/fuse",)).start("/bin/sh", "-c", script)
    pid = int(json.loads(run("runc", "state", hostile.id).stdout)["pid"])
    wait_until(lambda: "sleep" in open(f"/proc/{pid}/cmdline", encoding="utf-8").read(), 5, "its overlay")
    quiet = loaded()
    daemon = make_daemon(block_policy)
    told = daemon.wait_alert(hostile.id, outcome="unprotected")
    assert "mounted inside a container" in told["message"], told
    server = int(run("pgrep", "-f", "^/app/stalling_fuse").stdout)
    os.kill(server, signal.SIGUSR1)
    # Opened in the overlay: the kernel opens it once more inside the daemon's read().
    waits = [subprocess.Popen(["nsenter", "-t", str(pid), "-m", "-p", "-r", "/bin/busybox", "true"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) for _ in range(3)]
    time.sleep(0.5)
    try:
        counts = load(quiet, 2, 4).counts(patience=2)
        assert_kept(counts)
        assert counts["longest_ms"] < 1000, counts
        assert daemon.status()["worker"]["restarts"] == 0
        table("a container's overlay over its own FUSE", len(waits),
              "told of as unprotected; others go on", counts["longest_ms"], 0, lost_alerts(daemon))
    finally:
        kill(server, signal.SIGUSR2)
        kill(server, signal.SIGKILL)
        for one in waits:
            one.kill()
            one.wait(timeout=10)
        hostile.remove()
