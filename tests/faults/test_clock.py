"""The wall clock is set: every deadline of the daemon is by the monotonic clock."""
import contextlib
import time

import pytest

from conftest import lost_alerts
from shell import stuck_processes

HOUR_S = 3600


@contextlib.contextmanager
def stepped(seconds):
    """The clock that much further for a moment; then exactly back, plus what has gone by."""
    before, since = time.clock_gettime_ns(time.CLOCK_REALTIME), time.monotonic_ns()
    try:
        time.clock_settime_ns(time.CLOCK_REALTIME, before + seconds * 1_000_000_000)
    except PermissionError:
        pytest.skip("the clock may not be set here")
    try:
        yield
    finally:
        time.clock_settime_ns(time.CLOCK_REALTIME, before + time.monotonic_ns() - since)


def test_clock_steps(make_daemon, block_policy, loaded, load, assert_kept, table):
    container = loaded()
    daemon = make_daemon(block_policy)
    running = load(container, 4, 3)
    time.sleep(0.5)
    for seconds in (HOUR_S, -HOUR_S, 3):
        with stepped(seconds):
            time.sleep(0.4)
        time.sleep(0.2)
    counts = running.counts()
    assert_kept(counts)
    status = daemon.status()
    table("clock stepped by an hour, and back", 3, "right answers", counts["longest_ms"],
          len(stuck_processes()), lost_alerts(daemon))
    assert counts["longest_ms"] < 1000, counts
    assert status["events"]["undecided"] == 0 and status["events"]["uncompared"] == 0, status
    assert status["worker"] == {**status["worker"], "restarts": 0, "killed": 0}
