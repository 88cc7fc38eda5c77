"""More changes at once than the kernel keeps for the change watch: that is told of."""
import pytest

from shell import wait_until


@pytest.fixture
def short_queue():
    path = "/proc/sys/fs/fanotify/max_queued_events"
    with open(path, encoding="ascii") as file:
        usual = file.read()
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write("64")
        yield
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write(usual)


def test_an_overflow_is_told_of(short_queue, make_daemon, bundle, lower, default_policy):
    daemon = make_daemon(default_policy)
    container = bundle("runc", lower).start()
    container.sh("cd /tmp; for i in $(seq 2000); do echo $i; done | "
                 "while read n; do echo >$n; done; chmod -R 0700 /tmp; chmod -R 0600 /tmp", check=True)
    wait_until(lambda: daemon.status()["changes"]["overflows"] > 0, 10, "an overflow")
    # The queue of the container's opens and executions is as short, and may have been full too.
    told = wait_until(lambda: [alert for alert in daemon.alerts(outcome="unprotected")
                               if "on the filesystem of" in alert["holdfast"]["reason"]], 5,
                      "its document")
    assert len(told) == 1
    assert told[0]["holdfast"]["reason"].startswith("too many changes at once")
    container.remove()
