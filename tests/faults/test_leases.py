"""Write leases that their holders do not give up: the kernel opens the event's file inside the
daemon's read(), which waits for the lease as the opener would."""
import subprocess

from conftest import LONG, lost_alerts
from shell import stuck_processes, wait_until

HOLDERS = 8 if LONG else 3  # more than a small machine has readers


def test_leases_that_are_not_given_up(make_daemon, block_policy, loaded, load, assert_kept, table):
    daemon = make_daemon(block_policy)
    hostile = [loaded() for _ in range(HOLDERS)]
    container = loaded()
    holders = [subprocess.Popen(["runc", "exec", each.id, "/app/lease_holder", "/tmp/leased", "8"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
               for each in hostile]
    try:
        for holder in holders:
            assert holder.stdout.readline() == "opening\n"
        wait_until(lambda: daemon.status()["events"]["hung_readers"] >= HOLDERS, 5,
                   "a reader for each of them")
        counts = load(container, 2, 3).counts()
        assert_kept(counts)
        assert counts["longest_ms"] < 1000, counts
    finally:
        for holder in holders:
            holder.communicate(timeout=20)
    assert daemon.status()["worker"]["restarts"] == 0
    for each in hostile:
        assert each.exec("/app/victim").returncode == 0, "it goes on afterwards"
    table("leases that are not given up", HOLDERS,
          f"others: {counts['image_ran']} image runs, 0 refused; 0 workers replaced",
          counts["longest_ms"], len(stuck_processes()), lost_alerts(daemon))
