"""A storm of writers, swaps, renames and executors in one container: not one drifted execution, the
daemon alive, nobody left waiting. HOLDFAST_STORM_SECONDS: how long (5)."""
import json
import os
import shutil
import signal

import pytest

from shell import stuck_processes

SECONDS = float(os.environ.get("HOLDFAST_STORM_SECONDS", "5"))
WRITERS, EXECUTORS = 8, 8


@pytest.fixture(autouse=True)
def long_enough():
    signal.alarm(int(SECONDS * 2 + 120))


@pytest.fixture
def storm(bundle, work, lower):
    """The counts of a storm in a container of its own."""
    layer = f"{work}/storm-layer"
    os.makedirs(f"{layer}/app/storm-victims", exist_ok=True)
    for number in range(8):
        shutil.copy(f"{lower}/app/victim", f"{layer}/app/storm-victims/{number}")

    def run_it(seconds):
        container = bundle("runc", f"{layer}:{lower}").start()
        done = container.sh(f"mkdir /tmp/storm && cd /tmp/storm && exec /app/storm {WRITERS}"
                            f" {EXECUTORS} {seconds} /app/victim /app/storm-victims",
                            timeout=seconds + 60)
        container.remove()
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout.strip().splitlines()[-1])
    return run_it


def test_drift_runs_without_daemon(storm):
    counts = storm(1)
    assert counts["drifted"] > 0 and counts["refused"] == 0, counts


def test_storm(storm, blocking):
    counts = storm(SECONDS)
    print(counts)
    assert counts["drifted"] == 0, counts
    assert counts["image_refused"] == 0 and counts["image_ran"] > 0, counts
    assert counts["refused"] > 0 and counts["written"] > 0, counts
    assert counts["swapped"] > 0 and counts["renamed"] > 0, counts
    assert blocking.process.poll() is None
    assert blocking.status()["worker"]["restarts"] == 0
    assert stuck_processes() == []
