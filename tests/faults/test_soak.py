"""Containers come and go, policies change, workers die, and nothing of the daemon grows.
HOLDFAST_SOAK_SECONDS: how long (7)."""
import os
import signal
import statistics
import threading
import time

import pytest

from conftest import lost_alerts
from processes import descriptors, kill, resident_kib, thread_count, worker
from shell import stuck_processes, wait_until

SECONDS = float(os.environ.get("HOLDFAST_SOAK_SECONDS", "7"))
ROUND_S = 2.0  # a container's life
KILL_EVERY = 4  # rounds
# What a median may differ by: (more by a share, or by so much). Pools of threads start some when they
# are first needed, after each kill anew, and keep them; a leak is some a round.
SLACK = {"worker KiB": (0.15, 1024), "keeper KiB": (0.05, 512), "descriptors": (0, 2),
         "threads": (0, 8), "groups": (0, 0), "marks": (0, 0)}


def look(daemon):
    """At rest between two rounds."""
    pid, keeper = worker(daemon), daemon.process.pid
    held = descriptors(pid)
    return {"worker KiB": resident_kib(pid), "keeper KiB": resident_kib(keeper),
            "descriptors": held["all"], "groups": held["groups"], "marks": held["marks"],
            "threads": thread_count(pid)}


def rest(daemon, groups):
    """The containers of the round are gone, and the daemon knows it."""
    wait_until(lambda: worker(daemon) and descriptors(worker(daemon))["groups"] <= groups, 15,
               "the groups of a round's containers to end")
    wait_until(lambda: daemon.status(), 5, "the worker")
    return look(daemon)


@pytest.fixture(autouse=True)
def long_enough():
    signal.alarm(int(SECONDS * 2 + 120))


def test_soak(make_daemon, block_policy, loaded, load, table):
    stays = loaded()
    daemon = make_daemon(block_policy)
    groups = descriptors(worker(daemon))["groups"]
    stop = threading.Event()

    def reload():
        while not stop.wait(1.0):
            daemon.process.send_signal(signal.SIGHUP)
    reloads = threading.Thread(target=reload)
    reloads.start()
    samples, ran, kills, longest = [], 0, 0, 0.0
    try:
        end = time.monotonic() + SECONDS
        for number in range(1 << 30):
            if time.monotonic() > end:
                break
            comes = [loaded() for _ in range(2)]
            running = [load(container, 2, ROUND_S / 2) for container in (stays, *comes)]
            if number % KILL_EVERY == KILL_EVERY - 1:
                time.sleep(ROUND_S / 4)
                kills += kill(worker(daemon), signal.SIGKILL)
            for one in running:
                counts = one.counts()
                ran += counts["image_ran"] + counts["copied_ran"]
                longest = max(longest, counts["longest_ms"])
                assert counts["drift_ran"] == 0 and counts["image_refused"] == 0, counts
                assert counts["copied_refused"] == 0, counts
            for container in comes:
                container.remove()
            samples.append(rest(daemon, groups))
    finally:
        stop.set()
        reloads.join()
    quarter = max(1, len(samples) // 4)
    # The first round warms up: threads, caches.
    first, last = samples[1:1 + quarter], samples[-quarter:]
    medians = {name: (statistics.median(sample[name] for sample in first),
                      statistics.median(sample[name] for sample in last)) for name in SLACK}
    table(f"soak, {SECONDS:.0f} s", f"{len(samples)} rounds, {kills} kills",
          f"{ran} image runs, {daemon.status()['events']['undecided']} undecided; "
          + ", ".join(f"{name} {old:.0f} -> {new:.0f}" for name, (old, new) in medians.items()),
          longest, len(stuck_processes()), lost_alerts(daemon))
    for name, (old, new) in medians.items():
        share, more = SLACK[name]
        assert new <= old + max(old * share, more), (name, medians)
    assert daemon.status()["worker"]["restarts"] == kills
