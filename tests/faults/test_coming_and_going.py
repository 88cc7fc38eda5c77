"""Pods come and go in numbers: 200 containers in a minute with HOLDFAST_LONG=1, else 20. Afterwards the
daemon knows none of them, and nothing of it has grown."""
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import LONG, lost_alerts
from containerd import Containerd, Cri, Pod, pod_images, short_directory
from containers import IMAGE
from identity import APP
from processes import descriptors, resident_kib, thread_count, worker
from shell import stuck_processes, wait_until

PODS = 100 if LONG else 10  # a sandbox and a container each
AT_ONCE = 4
SECONDS = 60
FORGOTTEN_S = 30 + 5  # after their end, and a look


@pytest.fixture
def containerd(podman, work):
    server = Containerd(short_directory("hf-ctd."))
    try:
        server.image(pod_images(podman, IMAGE, APP, work), APP)
        yield server
    finally:
        server.remove()


def look(daemon):
    pid, status = worker(daemon), daemon.status()
    held = descriptors(pid)
    return {"containers": len(status["containers"]), "known": status["identities"]["known"],
            "descriptors": held["all"], "groups": held["groups"], "marks": held["marks"],
            "threads": thread_count(pid), "KiB": resident_kib(pid), "keeper KiB": resident_kib(daemon.process.pid)}


def test_nothing_grows(containerd, make_daemon, block_policy, settings_file, table):
    daemon = make_daemon(block_policy, settings=settings_file(cri_sockets=f"[{containerd.socket}]"))
    cri = Cri(containerd.socket, "v1", containerd.directory)

    def come_and_go(number):
        """Its program is the image's, its drop is refused."""
        pod = Pod(containerd, cri, f"many-{number}", "crowd", {"number": str(number)})
        try:
            container = pod.run(("/bin/sh", "-c", "/app/victim && ! cp /bin/busybox /tmp/dropped"), APP)
            return container, pod.wait(container)
        finally:
            pod.remove()

    def all_of(numbers):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(come_and_go, numbers))

    def rest():
        wait_until(lambda: not daemon.status()["containers"], 15, "no container to be left")
        return look(daemon)
    try:
        all_of(range(-2 * AT_ONCE, 0))  # threads and caches are made when they are first needed
        before = rest()
        begin = time.monotonic()
        ended = all_of(range(PODS))
        took = time.monotonic() - begin
        wait_until(lambda: daemon.status()["identities"]["known"] == 0, FORGOTTEN_S, "all to be forgotten")
        after = rest()
    finally:
        cri.close()
    table(f"{2 * PODS} containers in {took:.0f} s", 2 * PODS,
          ", ".join(f"{name} {before[name]} -> {after[name]}" for name in before),
          0, len(stuck_processes()), lost_alerts(daemon))
    assert [status for _, status in ended] == [0] * PODS
    for container, _ in ended:
        alert, = daemon.alerts(container, "createExecutable", "/tmp/dropped", outcome="blocked")
        number = alert["orchestrator"]["resource"]["name"].removeprefix("many-")
        assert alert["orchestrator"]["resource"]["label"] == [f"number:{number}"]
    # Memory that the allocator keeps is no container's.
    assert after["KiB"] <= before["KiB"] + max(1024, 8 * PODS) and after["keeper KiB"] <= before["keeper KiB"] + 256
    for name in ("descriptors", "groups", "marks"):
        assert after[name] <= before[name], (name, before, after)
    assert after["threads"] <= before["threads"] + 4
    assert took <= SECONDS or not LONG, f"{took:.0f} s"
