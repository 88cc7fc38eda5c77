"""Containers end in the middle of everything: nobody is stuck, and nothing is kept of them."""
import signal
import time

from conftest import LONG, lost_alerts
from processes import descriptors, kill, worker
from shell import run, stuck_processes, wait_until

TIMES = 40 if LONG else 12


def settled(daemon, before):
    """The daemon holds what it held before."""
    def same():
        now = descriptors(worker(daemon))
        return now["groups"] == before["groups"] and now["marks"] == before["marks"] \
            and now["all"] <= before["all"]
    wait_until(same, 10, f"the daemon to hold {before} again")


def init_of(container):
    return int(run("runc", "state", container.id).stdout.split('"pid":')[1].split(",")[0])


def test_killed_under_load(make_daemon, block_policy, bundle, load_lower, loaded, load, table):
    keeps = loaded()
    daemon = make_daemon(block_policy)
    load(keeps, 1, 1).counts()
    before = descriptors(worker(daemon))
    for number in range(TIMES):
        container = bundle("runc", load_lower).start()
        running = load(container, 4, 30)
        time.sleep(0.05 * (1 + number % 3))
        how = number % 3
        if how == 0:
            kill(init_of(container), signal.SIGKILL)
        elif how == 1:
            run("runc", "delete", "-f", container.id)
        else:  # its root is gone from the mounts while events wait
            run("umount", "-l", container.root)
            kill(init_of(container), signal.SIGKILL)
        running.process.communicate(timeout=10)
        container.remove()
    begin = time.monotonic()
    settled(daemon, before)
    assert stuck_processes() == []
    counts = load(keeps, 2, 1).counts()
    table("container killed under load", TIMES, "nothing is left of it; others go on",
          (time.monotonic() - begin) * 1000, 0, lost_alerts(daemon))
    assert counts["drift_ran"] == 0 and counts["image_refused"] == 0
    assert daemon.status()["worker"]["restarts"] == 0


def test_restarted_in_place_while_workers_die(make_daemon, block_policy, loaded, load, table,
                                              assert_kept):
    container = loaded()
    daemon = make_daemon(block_policy)
    before = descriptors(worker(daemon))
    longest = 0.0
    for number in range(TIMES // 4):
        kill(worker(daemon), signal.SIGKILL)
        run("runc", "delete", "-f", container.id)
        container.start()
        kill(wait_until(lambda: worker(daemon), 5), signal.SIGKILL)
        counts = load(container, 2, 0.5).counts()
        assert_kept(counts)
        longest = max(longest, counts["longest_ms"])
    wait_until(lambda: worker(daemon) and daemon.status(), 5, "the worker")
    settled(daemon, before)
    assert stuck_processes() == []
    table("container restarted while workers are killed", TIMES // 4, "right answers", longest, 0,
          lost_alerts(daemon))
