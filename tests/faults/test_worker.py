"""The worker is killed, stopped and hung, under load: a short wait, then the right answer."""
import os
import signal
import time

from conftest import LONG, DaemonFactory, lost_alerts
from processes import kill, worker
from shell import stuck_processes, wait_until


def test_worker_killed_again_and_again(make_daemon, block_policy, loaded, load, assert_kept, table):
    seconds = 300 if LONG else 4
    container = loaded()
    daemon = make_daemon(block_policy)
    running = load(container, 4, seconds)
    time.sleep(0.5)
    end = time.monotonic() + seconds - 1
    kills, last = 0, None
    while time.monotonic() < end:
        pid = worker(daemon)
        # A dead one can be signalled again until its keeper has seen it.
        if pid and pid != last and kill(pid, signal.SIGKILL):
            kills, last = kills + 1, pid
        time.sleep(0.2)
    counts = running.counts()
    assert_kept(counts)
    stuck = stuck_processes()
    assert stuck == []
    wait_until(lambda: daemon.status()["worker"]["restarts"] == kills, 10, "a worker for each kill")
    events = daemon.status()["events"]
    assert events["undecided"] == 0, events
    table("worker killed every 200 ms", kills,
          f"{counts['image_ran'] + counts['copied_ran']} image runs, "
          f"{counts['drift_refused']} drifted refused",
          counts["longest_ms"], len(stuck), lost_alerts(daemon))


def test_worker_stopped(make_daemon, block_policy, loaded, assert_kept, table):
    """SIGSTOP: the keeper replaces it; the answer is right, within deadline and heartbeat."""
    container = loaded()
    daemon = make_daemon(block_policy)
    longest = 0.0
    for command, status in (("/app/victim", 0), ("/tmp/drift", 126)):
        os.kill(worker(daemon), signal.SIGSTOP)
        begin = time.monotonic()
        done = container.sh(command)
        took = time.monotonic() - begin
        assert done.returncode == status, done.stdout
        assert took < 4.5, f"{command} took {took:.1f} s"
        longest = max(longest, took)
        wait_until(lambda: daemon.status()["worker"]["killed"] > 0, 5, "the keeper to end it")
    table("worker stopped", 2, "image ran, drifted refused", longest * 1000, 0, lost_alerts(daemon))


def test_worker_dies_between_read_and_answer(build, work, settings, block_policy, loaded, load,
                                             assert_kept, table):
    """Every worker dies with all its readers' events read and not answered."""
    seconds = 300 if LONG else 15
    containers = [loaded(), loaded()]
    factory = DaemonFactory(f"{build}/holdfast-faults", work, settings)
    try:
        daemon = factory(block_policy, env={"HOLDFAST_DIE_AFTER": "40"})
        loads = [load(container, 4, seconds) for container in containers]
        for running in loads:
            counts = running.counts()
            assert_kept(counts)
        stuck = stuck_processes()
        assert stuck == []
        status = daemon.status()
        inherited = status["events"]["inherited"]
        assert inherited >= (1000 if LONG else 60), status
        assert status["events"]["undecided"] == 0, status
        table("worker dies between read and answer", status["worker"]["restarts"],
              f"{inherited} inherited events decided right", counts["longest_ms"], len(stuck),
              lost_alerts(daemon))
    finally:
        factory.stop_all()
