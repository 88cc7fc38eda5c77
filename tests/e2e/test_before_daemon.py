"""What drifted while no daemon ran, before its start or between two runs, does not run."""
import pytest

from expect import assert_blocked_alert, assert_refused

RUNTIMES = ["runc", "crun"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_drift_from_before_the_daemon_does_not_run(runtime, bundle, lower, make_daemon,
                                                   block_policy):
    container = bundle(runtime, lower).start()
    container.sh("cat /app/payload >/tmp/early && chmod +x /tmp/early; cp /bin/busybox /app/victim")
    first = make_daemon(block_policy)
    assert_refused(container.exec("/tmp/early"))
    assert_refused(container.exec("/app/victim"))
    assert_blocked_alert(first.wait_alert(container.id, "createExecutable", "/tmp/early"),
                         "createExecutable", "/tmp/early")
    assert_blocked_alert(first.wait_alert(container.id, "modifyExecutable", "/app/victim"),
                         "modifyExecutable", "/app/victim")
    first.stop()
    container.sh("cat /app/payload >/tmp/between && chmod +x /tmp/between")
    second = make_daemon(block_policy, state_dir=first.state_dir)
    assert_refused(container.exec("/tmp/between"))
    second.wait_alert(container.id, "createExecutable", "/tmp/between")
    second.stop()
    container.remove()
