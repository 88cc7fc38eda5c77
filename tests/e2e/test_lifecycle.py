"""The daemon's own life: bad input, faults, stop and kill. None of them harms a container."""
import os
import shutil
import signal
import time

import pytest

from expect import DROP_AND_RUN, PAYLOAD_STATUS, assert_refused
from shell import run, stuck_processes, wait_until

BUSY = "while :; do cp /bin/busybox /tmp/x; /bin/true; echo x >>/app/victim; date >/tmp/beat; done"


@pytest.fixture
def container(bundle, lower):
    started = bundle("runc", lower).start()
    yield started
    started.remove()


def refuses_to_run(daemon, status, *words):
    """Ends at once with that status and one line on stderr that has the words."""
    done = run(*daemon.command, check=False, timeout=15)
    assert done.returncode == status, done.stdout
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert len(lines) == 1, done.stdout
    for word in words:
        assert word in lines[0], lines[0]


class TestBadInput:
    def test_missing_policy(self, make_daemon, work):
        daemon = make_daemon(f"{work}/no-such-policy.yml", start=False)
        refuses_to_run(daemon, 1, "no-such-policy.yml")

    def test_bad_policy(self, make_daemon, policy_file):
        path = policy_file("selectors:\n  - name: a\n    operation: [createExecutable]\n"
                           "responses:\n  - match: [a]\n    actions: [block]\n")
        refuses_to_run(make_daemon(path, start=False), 1, f"{path}:", "error:", "alert")

    def test_no_yaml(self, make_daemon, policy_file):
        path = policy_file("selectors: [\n")
        refuses_to_run(make_daemon(path, start=False), 1, f"{path}:", "error:")

    def test_bad_settings(self, binary, policy_file, block_policy, work):
        path = policy_file("no_such_key: 1\n")
        done = run(binary, "run", "--config", path, "--policy", block_policy, "--state-dir", work,
                   check=False, timeout=15)
        assert done.returncode == 2, done.stdout
        assert path in done.stdout and "no_such_key" in done.stdout

    def test_unknown_flag(self, binary):
        done = run(binary, "run", "--no-such-flag", check=False, timeout=15)
        assert done.returncode == 2, done.stdout
        assert "--no-such-flag" in done.stdout


class TestEnvironment:
    def test_second_daemon_on_the_same_state_directory(self, make_daemon, block_policy, container):
        first = make_daemon(block_policy)
        second = make_daemon(block_policy, start=False, state_dir=first.state_dir)
        refuses_to_run(second, 2, first.state_dir)
        assert_refused(container.exec("cp", "/bin/busybox", "/tmp/x"))
        first.stop()

    def test_unwritable_log(self, make_daemon, block_policy):
        daemon = make_daemon(block_policy, start=False,
                             arguments=("--alerts", "/dev/null/alerts.ndjson"))
        refuses_to_run(daemon, 2, "/dev/null/alerts.ndjson")

    def test_state_directory_that_is_a_file(self, binary, block_policy, policy_file):
        path = policy_file("")
        done = run(binary, "run", "--state-dir", path, "--policy", block_policy, check=False,
                   timeout=15)
        assert done.returncode == 2 and path in done.stdout, done.stdout

    @pytest.mark.parametrize("prefix", [
        ("setpriv", "--bounding-set", "-sys_admin"),
        ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
        ("unshare", "--user", "--map-root-user"),
    ], ids=["no CAP_SYS_ADMIN", "nobody", "user namespace"])
    def test_missing_privileges(self, make_daemon, block_policy, binary, work, prefix):
        reachable = f"{work}/holdfast-for-others"
        shutil.copy(binary, reachable)
        policy = f"{work}/block-for-others.yml"
        shutil.copy(block_policy, policy)
        daemon = make_daemon(policy, start=False, prefix=prefix)
        os.chmod(daemon.state_dir, 0o777)
        daemon.command[daemon.command.index(binary)] = reachable
        refuses_to_run(daemon, 2)

    def test_status_without_a_daemon(self, binary, work):
        done = run(binary, "status", "--state-dir", f"{work}/nobody-here", check=False, timeout=15)
        assert done.returncode == 1, done.stdout

    def test_status_names_the_container(self, make_daemon, block_policy, container):
        daemon = make_daemon(block_policy)
        assert container.id in str(daemon.status())
        daemon.stop()


class TestEnd:
    def test_sigterm_takes_the_marks_away(self, make_daemon, block_policy, container):
        daemon = make_daemon(block_policy)
        assert_refused(container.exec("cp", "/app/payload", "/tmp/x"))
        daemon.stop()
        done = container.sh("cp /app/payload /tmp/x && /tmp/x")
        assert done.returncode == PAYLOAD_STATUS, done.stdout

    def test_sigterm_while_busy(self, make_daemon, block_policy, bundle, lower):
        busy = bundle("runc", lower).start("/bin/sh", "-c", BUSY)
        daemon = make_daemon(block_policy)
        daemon.wait_alert(busy.id)
        daemon.stop()
        goes_on(busy)
        busy.remove()

    @pytest.mark.parametrize("fault", ["frozen container", "killed daemon", "both"])
    def test_no_process_is_left_hanging(self, make_daemon, block_policy, bundle, lower, fault):
        busy = bundle("crun", lower).start("/bin/sh", "-c", BUSY)
        daemon = make_daemon(block_policy)
        daemon.wait_alert(busy.id)
        processes = pids(busy)
        if fault != "killed daemon":
            signal_all(processes, signal.SIGSTOP)
            time.sleep(0.3)
        if fault != "frozen container":
            daemon.kill()
        signal_all(processes, signal.SIGCONT)
        assert stuck_processes() == []
        goes_on(busy)
        if fault == "frozen container":
            assert_refused(busy.sh(DROP_AND_RUN.format(path="/tmp/y")))
            daemon.stop()
        busy.remove()


def pids(container):
    done = run(container.runtime, "ps", "-f", "json", container.id)
    return [int(word) for word in done.stdout.strip("[]\n ").replace(",", " ").split()]


def signal_all(processes, number):
    for pid in processes:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def goes_on(container):
    """The busy container still writes its heartbeat."""
    beat = f"{container.root}/tmp/beat"

    def stamp():
        return os.stat(beat).st_mtime_ns if os.path.exists(beat) else 0
    before = stamp()
    wait_until(lambda: stamp() > before, 5, "the container to go on")


class TestReload:
    POLICY = """file:
  selectors:
    - {name: executables, operation: [createExecutable, modifyExecutable]}
  responses:
    - {match: [executables], actions: [ACTIONS]}
"""

    def drop(self, container, name):
        return container.sh(f"cp /app/payload /tmp/{name} && /tmp/{name}")

    def reload(self, daemon, word):
        before = daemon.log().count(word)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.log().count(word) > before, 5, f"{word!r} in the log")

    def test_sighup_puts_the_new_policy_in_force(self, make_daemon, policy_file, container):
        path = policy_file(self.POLICY.replace("ACTIONS", "alert"))
        daemon = make_daemon(path)
        assert self.drop(container, "one").returncode == PAYLOAD_STATUS
        with open(path, "w", encoding="utf-8") as policy:
            policy.write(self.POLICY.replace("ACTIONS", "alert, block"))
        self.reload(daemon, "marks follow the policy")
        assert_refused(self.drop(container, "two"))
        daemon.stop()

    def test_sighup_with_a_bad_policy_changes_nothing(self, make_daemon, policy_file, container):
        path = policy_file(self.POLICY.replace("ACTIONS", "alert, block"))
        daemon = make_daemon(path)
        with open(path, "w", encoding="utf-8") as policy:
            policy.write(self.POLICY.replace("ACTIONS", "block"))
        self.reload(daemon, "policies stay as they were")
        assert "policy_error" in daemon.status()
        assert daemon.status()["health"] == "degraded"
        assert_refused(self.drop(container, "three"))
        daemon.stop()


def test_a_root_that_cannot_be_covered_is_reported_once(make_daemon, block_policy, bundle, lower):
    """Its layers lie on another overlay. It works, unprotected, and one document says so."""
    below = bundle("runc", lower)
    below.mount()
    daemon = make_daemon(block_policy)
    above = bundle("runc", below.root).start()
    daemon.wait_alert(above.id, outcome="unprotected")
    assert above.exec("cp", "/app/payload", "/tmp/x").returncode == 0
    above.sh("date; date")
    told = daemon.alerts(above.id, outcome="unprotected")
    assert len(told) == 1
    assert "another overlay" in told[0]["message"]
    status = daemon.status()
    assert status["health"] == "degraded"
    assert [c["coverage"] for c in status["containers"] if c["id"] == above.id] == ["none"]
    daemon.stop()
    above.remove()
    below.remove()
