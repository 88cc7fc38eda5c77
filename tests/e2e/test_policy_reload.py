"""Policy files change under a running daemon, and nobody sends it a signal."""
import os
import time

from expect import DROP_AND_RUN, PAYLOAD_STATUS, assert_refused
from shell import wait_until

POLICY = """\
file:
  selectors:
    - {name: NAME, operation: [createExecutable, modifyExecutable]}
  responses:
    - {match: [NAME], actions: [ACTIONS]}
"""
IN_FORCE_WITHIN = 1.0  # seconds


def policy(name, actions):
    return POLICY.replace("NAME", name).replace("ACTIONS", actions)


def write_in_place(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def rename_over(path, text):
    write_in_place(f"{path}.new", text)
    os.rename(f"{path}.new", path)


class ConfigMap:
    """A directory as the kubelet makes it: ..data is a link to the content, and is swapped."""

    def __init__(self, directory):
        self.directory, self.number = directory, 0
        os.makedirs(directory)

    def publish(self, text):
        self.number += 1
        content = f"..content_{self.number}"
        os.mkdir(f"{self.directory}/{content}")
        write_in_place(f"{self.directory}/{content}/p.yml", text)
        os.symlink(content, f"{self.directory}/..data_tmp")
        os.rename(f"{self.directory}/..data_tmp", f"{self.directory}/..data")
        if not os.path.lexists(f"{self.directory}/p.yml"):
            os.symlink("..data/p.yml", f"{self.directory}/p.yml")


def in_force(daemon, blocks):
    """Waits until the status says so; how long it took since `begin`."""
    begin = time.monotonic()
    wait_until(lambda: daemon.status()["enforcing"] == blocks and not daemon.status().get("policy_error"),
               10, f"enforcing to be {blocks}", interval=0.02)
    took = time.monotonic() - begin
    assert took < IN_FORCE_WITHIN, f"the changed policy was in force after {took:.2f} s"


def runs(container, path):
    done = container.sh(DROP_AND_RUN.format(path=path))
    assert done.returncode == PAYLOAD_STATUS, done.stdout


def test_changes_are_in_force_within_a_second(make_daemon, bundle, lower, tmp_path):
    directory = tmp_path / "policies"
    directory.mkdir()
    path = directory / "p.yml"
    write_in_place(path, policy("first", "alert"))
    daemon = make_daemon(directory)
    container = bundle("runc", lower).start()
    runs(container, "/tmp/before")
    for number, write in enumerate((write_in_place, rename_over)):
        write(path, policy("second", "alert, block"))
        in_force(daemon, True)
        assert_refused(container.sh(DROP_AND_RUN.format(path=f"/tmp/blocked{number}")))
        # What ran before the change is drift all the same: blocked on the next open.
        assert_refused(container.sh("/tmp/before"))
        write(path, policy("third", "alert"))
        in_force(daemon, False)
        runs(container, f"/tmp/free{number}")
    container.remove()
    daemon.stop()


def test_a_configmap_that_is_swapped(make_daemon, bundle, lower, tmp_path):
    configmap = ConfigMap(str(tmp_path / "configmap"))
    configmap.publish(policy("first", "alert"))
    daemon = make_daemon(configmap.directory)
    container = bundle("runc", lower).start()
    for number in range(2):
        configmap.publish(policy("second", "alert, block"))
        in_force(daemon, True)
        assert_refused(container.sh(DROP_AND_RUN.format(path=f"/tmp/blocked{number}")))
        configmap.publish(policy("third", "alert"))
        in_force(daemon, False)
        runs(container, f"/tmp/free{number}")
    container.remove()
    daemon.stop()


def test_a_broken_policy_keeps_the_old_one(make_daemon, bundle, lower, policy_file):
    path = policy_file(policy("old", "alert, block"))
    daemon = make_daemon(path)
    container = bundle("runc", lower).start()
    rename_over(path, "file: [this is no policy\n")
    wait_until(lambda: daemon.status().get("policy_error"), 5, "the status to tell the error")
    assert "policies stay as they were" in daemon.log()
    assert daemon.status()["health"] == "degraded"
    assert_refused(container.sh(DROP_AND_RUN.format(path="/tmp/x")))
    alert = daemon.wait_alert(container.id, path="/tmp/x")
    assert alert["cloud_defend"]["matched_selectors"] == ["old"]
    rename_over(path, policy("mended", "alert"))
    in_force(daemon, False)
    runs(container, "/tmp/y")
    alert = daemon.wait_alert(container.id, path="/tmp/y", outcome="alerted")
    assert alert["cloud_defend"]["matched_selectors"] == ["mended"]
    container.remove()
    daemon.stop()
