"""The daemon's own pod: as it is shipped, reconfigured, deleted, killed."""
import os
import signal
import time

import pytest

from expect import DROP_AND_RUN, PAYLOAD_STATUS, REFUSED
from shell import stuck_processes, wait_until

DROP = DROP_AND_RUN.format(path="/tmp/dropped")
# Opens and executions all the time; each round leaves a line.
LOAD = "while true; do cp /bin/busybox /tmp/x; /bin/true; echo >>/tmp/rounds; done"


@pytest.fixture
def shipped(holdfast):
    started = holdfast()
    yield started
    started.remove()


@pytest.fixture
def daemon(holdfast, block_policy):
    with open(block_policy, encoding="utf-8") as file:
        started = holdfast(file.read())
    yield started
    started.remove()


def drops(pod):
    """Whether a drop in it is refused."""
    done = pod.exec(f"rm -f /tmp/dropped; {DROP}")
    assert done.returncode == PAYLOAD_STATUS or REFUSED in done.stdout, done.stdout
    return REFUSED in done.stdout


def rounds(pod):
    return int(pod.exec("cat /tmp/rounds 2>/dev/null | wc -l").stdout)


def processes(daemon):
    status = daemon.status()
    return [status["keeper"]["pid"], status["worker"]["pid"]]


def gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def test_as_shipped_it_refuses_nothing_until_the_policy_says_so(shipped, pod, block_policy):
    judged = pod("judged", DROP)
    assert judged.status()[0] == PAYLOAD_STATUS
    shipped.wait_alert(judged.container_id(), "createExecutable", "/tmp/dropped", outcome="alerted")
    own = processes(shipped)
    with open(block_policy, encoding="utf-8") as file:
        shipped.policy = file.read()
    shipped.cluster.apply(shipped.config_map())  # the kubelet brings it to the pod, in its own time
    wait_until(lambda: drops(judged), 120, "the new policy to hold", interval=1)
    shipped.wait_alert(judged.container_id(), "createExecutable", "/tmp/dropped")
    assert processes(shipped) == own


@pytest.mark.parametrize("options", [(), ("--grace-period=0", "--force")], ids=["delete", "force"])
def test_deleted_it_leaves_nothing_frozen(daemon, pod, options):
    busy = pod("busy")
    assert busy.status()[0] == 0
    busy.exec(f"({LOAD}) >/dev/null 2>&1 &")
    wait_until(lambda: rounds(busy) > 5, 20, "the load to run")
    assert drops(busy), "the pod is not covered"
    own = processes(daemon)
    begin = time.monotonic()
    daemon.delete(*options)
    wait_until(lambda: all(map(gone, own)), 30, "the daemon's processes to be gone")
    took = time.monotonic() - begin
    before = rounds(busy)
    wait_until(lambda: rounds(busy) > before, 5, "the load to go on")
    assert stuck_processes() == []
    after = pod("after", DROP)
    assert after.status()[0] == PAYLOAD_STATUS  # nobody is there to refuse it
    assert took < 20, f"the daemon's pod took {took:.0f} s to go"


def test_killed_it_is_started_again_and_refuses_again(daemon, pod):
    judged = pod("judged")
    assert judged.status()[0] == 0 and drops(judged)
    keeper, worker = processes(daemon)
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: gone(keeper) and gone(worker), 10, "both processes to be gone")

    def restarted():
        own = daemon.cluster.get("pod", daemon.name, daemon.namespace)["status"]["containerStatuses"][0]
        return own["restartCount"] == 1 and own["ready"]
    wait_until(restarted, 60, "the kubelet to start it again", interval=0.5)
    assert drops(judged)
