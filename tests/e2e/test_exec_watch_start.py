"""The exec watch of daemons of the tests' own: what it finds at the start, tells of once, or is without."""
import subprocess
import time

import pytest

from containers import volume
from lingering import TOOL, UNMARKED, detach, processes_of, runs
from shell import run, wait_until

RUNTIMES = ["runc", "crun"]


def test_alert_only_tells_of_each_run_once(start, make_daemon, default_policy):
    daemon = make_daemon(default_policy)
    container = start()
    container.sh(f"cp {TOOL} /tmp/root-tool && chmod +x /tmp/root-tool")
    detach(container, *UNMARKED, "linger")         # the watch alone sees it
    detach(container, "/tmp/root-tool", "linger")  # the watch and the gate see it
    for path in ("/tmp/own/tool", "/tmp/root-tool"):
        wait_until(lambda wanted=path: runs(daemon, container, wanted), 5, f"an alert of {path}")
    time.sleep(1.5)  # repeats would be summed up by then
    for path in ("/tmp/own/tool", "/tmp/root-tool"):
        told = runs(daemon, container, path)
        assert [alert["holdfast"]["outcome"] for alert in told] == ["alerted"], told
        assert "repeats" not in told[0]["holdfast"]
    assert len(processes_of("/tool")) == 1 and len(processes_of("/root-tool")) == 1
    container.remove()


@pytest.mark.parametrize("policy, outcome", [("default_policy", "alerted"),
                                             ("block_policy", "killed")])
def test_what_ran_before_the_daemon_is_found(policy, outcome, start, make_daemon, request):
    container = start()
    container.sh(f"cp {TOOL} /tmp/early && chmod +x /tmp/early; cp -p {TOOL} /tmp/same &&"
                 f" cp -p /tmp/same {TOOL}")  # copied up: the image's bytes
    for program in ("/tmp/early", TOOL):
        detach(container, program, "linger")
    # Detached, they may be about to begin.
    image = wait_until(lambda: processes_of("/app/exec_window"), 5, f"{TOOL} to run")
    wait_until(lambda: processes_of("/early"), 5, "/tmp/early to run")
    daemon = make_daemon(request.getfixturevalue(policy))
    daemon.wait_alert(container.id, "createExecutable", "/tmp/early", outcome=outcome)
    time.sleep(1.5)
    assert len(runs(daemon, container, "/tmp/early")) == 1
    assert runs(daemon, container, TOOL) == []
    assert processes_of("/app/exec_window") == image and image
    assert bool(processes_of("/early")) == (outcome == "alerted")
    container.remove()


@pytest.mark.parametrize("policy", ["default_policy", "block_policy"])
def test_executables_held_for_writing_are_told_of_once(policy, bundle, watched_lower, make_daemon,
                                                       tmp_path, request):
    """A descriptor and a mapping need no other open: on the root, on a volume, on a tmpfs."""
    container = bundle("runc", watched_lower, mounts=[volume(str(tmp_path), "/data")]).start()
    places = ("/tmp/held", "/data/held", "/dev/shm/held")
    paths = sorted(f"{place}-{how}" for place in places for how in ("open", "mapped"))
    for place in places:
        detach(container, TOOL, "hold", place)
        wait_until(lambda at=place: container.exec("test", "-s", f"{at}-mapped").returncode == 0, 5,
                   f"{place}-mapped")
    daemon = make_daemon(request.getfixturevalue(policy))
    for path in paths:
        daemon.wait_alert(container.id, "createExecutable", path, outcome="alerted")
    time.sleep(1.5)  # repeats would be summed up by then
    told = [alert for alert in daemon.alerts(container.id) if alert["file"]["path"] in paths]
    assert sorted(alert["file"]["path"] for alert in told) == paths
    for alert in told:
        assert "before the container was watched" in alert["holdfast"]["reason"]
        assert alert["holdfast"]["mechanism"] == "change_watch"
        assert alert["process"]["name"] == "exec_window"
    container.remove()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_runtime_that_waits_inside_the_container_is_left_alone(runtime, bundle, watched_lower,
                                                                 make_daemon, block_policy):
    """A created container: the runtime is its first process, and runs a copy of itself."""
    container = bundle(runtime, watched_lower)
    container.configure(["sleep", "600"])
    container.mount()
    with open(f"{container.directory}/output", "w", encoding="utf-8") as output:
        run(runtime, "create", container.id, cwd=container.directory, stdout=output,
            stderr=subprocess.STDOUT)
    daemon = make_daemon(block_policy)
    wait_until(lambda: daemon.status()["exec_watch"]["scanned"] > 0, 5, "the scan")
    time.sleep(0.5)
    run(runtime, "start", container.id)
    assert container.exec("/app/victim").returncode == 0
    assert [alert for alert in daemon.alerts() if alert["holdfast"]["outcome"] == "killed"] == []
    container.remove()


def test_switched_off_it_does_nothing(start, make_daemon, block_policy, settings, work):
    path = f"{work}/no-watch.yml"
    with open(settings, encoding="utf-8") as text, open(path, "w", encoding="utf-8") as off:
        off.write(text.read() + "exec_watch: off\n")
    daemon = make_daemon(block_policy, settings=path)
    assert daemon.status()["exec_watch"]["state"] == "off"
    container = start()
    detach(container, *UNMARKED, "linger")
    time.sleep(0.5)
    assert len(processes_of("/own/tool")) == 1
    assert daemon.alerts(container.id, path="/tmp/own/tool") == []
    container.remove()


def test_without_the_hosts_network_it_says_why(make_daemon, block_policy):
    daemon = make_daemon(block_policy, prefix=("unshare", "-n"))
    watch = daemon.status()["exec_watch"]
    assert watch["state"] == "scans only"
    assert "hostNetwork" in watch["reason"]
    assert daemon.log().count("no exec watch") == 1
