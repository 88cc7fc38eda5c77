"""Containers whose profile asks about chmod, mknod and access ACLs: drift does not become executable."""
import os
import time

import pytest

from containers import image_tree
from profiles import ENGINE_PROFILE, write_profile
from shell import wait_until

LONG = bool(os.environ.get("HOLDFAST_LONG"))
GIVEN, HELD, UNKNOWN = 0, 42, 38
TOOL = "/app/permission_ways"
WAYS = ["chmod", "one_bit", "high_bits", "relative", "link", "fchmod", "fchmodat", "self_fd",
        "other_fd", "chroot", "i386", "mknod", "mknod_without_type", "mknodat", "setxattr", "lsetxattr",
        "fsetxattr"]
APP_ONLY = """\
selectors:
  - name: app
    operation: [createExecutable, modifyExecutable]
    targetFilePath: ["/app/**"]
responses:
  - match: [app]
    actions: [alert, block]
"""
RULES = ("--rules", "memfd,permissions")


@pytest.fixture(scope="module")
def files(targets, build):
    return [*targets, f"{build}/tests/e2e/permission_ways"]


@pytest.fixture(scope="module")
def permission_lower(work, files):
    return image_tree(f"{work}/permissions", files)


@pytest.fixture(scope="module", params=["runc", "crun", "podman"])
def covered(request, bundle, permission_lower, files, podman, blocking, binary, work):
    if request.param == "podman":
        profile = write_profile(binary, work, blocking, "--base", ENGINE_PROFILE, *RULES, name="podman")
        name = "localhost/holdfast-permissions:1.0"
        podman.image(name, files)
        container = podman.start("--security-opt", f"seccomp={profile}", image=name)
    else:
        profile = write_profile(binary, work, blocking, *RULES)
        container = bundle(request.param, permission_lower, seccomp=profile).start()
    yield container
    container.remove()


def assert_one_document(daemon, container, before, mechanism, outcome):
    wait_until(lambda: len(daemon.alerts(container.id)) > before, 5, "an alert")
    # What repeats within a second is counted in the alert; another sight of the act is none.
    time.sleep(1.1)
    alerts = daemon.alerts(container.id)[before:]
    assert len(alerts) == 1, alerts
    assert alerts[0]["holdfast"]["mechanism"] == mechanism
    assert alerts[0]["holdfast"]["outcome"] == outcome
    return alerts[0]


@pytest.mark.parametrize("way", WAYS)
def test_drift_is_not_made_executable(way, covered, blocking):
    before = len(blocking.alerts(covered.id))
    done = covered.exec(TOOL, "give", way)
    assert done.returncode == HELD, f"exit {done.returncode}: {done.stdout}"
    alert = assert_one_document(blocking, covered, before, "seccomp", "blocked")
    assert alert["holdfast"]["operation"] == "createExecutable"
    assert alert["process"]["name"] == "permission_ways"
    assert alert["file"]["path"] == "/drifted"


@pytest.mark.parametrize("way", ["proc_root", "fchmodat2"])
def test_what_is_let_happen_does_not_run(way, covered, blocking):
    """A link of /proc that is no descriptor is not followed; libseccomp 2.5 has no name for fchmodat2."""
    before = len(blocking.alerts(covered.id))
    done = covered.exec(TOOL, "give", way)
    # A newer libseccomp, or the default of the engine's profile.
    if way == "fchmodat2" and done.returncode in (HELD, UNKNOWN):
        return
    assert done.returncode == GIVEN, done.stdout
    assert_one_document(blocking, covered, before, "change_watch", "alerted")
    done = covered.sh("/drifted")
    assert done.returncode == 126, f"exit {done.returncode}: {done.stdout}"
    assert blocking.alerts(covered.id)[-1]["holdfast"]["mechanism"] == "exec_gate"


@pytest.mark.parametrize("use", ["image", "directory", "nodes", "errors", "attributes"])
def test_other_uses_go_on(use, covered, blocking):
    before = len(blocking.alerts(covered.id))
    done = covered.exec(TOOL, "other", use)
    assert done.returncode == 0, done.stdout
    assert covered.exec("/app/victim").returncode == 0
    time.sleep(1)
    assert blocking.alerts(covered.id)[before:] == []


def test_modes_without_x_bits_are_not_asked_about(covered, blocking):
    def asked(*arguments):
        before = blocking.status()["seccomp"]["notifications"]
        done = covered.exec(TOOL, *arguments)
        assert done.returncode == 0, done.stdout
        print(*arguments, done.stdout)
        return blocking.status()["seccomp"]["notifications"] - before
    # What the runtime itself asks about when it starts a process is not the tool's.
    assert asked("other", "plain") < 20
    assert asked("many", "644", "2000") < 20
    assert asked("many", "755", "2000") >= 2000


def test_a_raced_path_gains_nothing_that_runs(covered):
    done = covered.exec(TOOL, "race", "30" if LONG else "3", timeout=90)
    print(done.stdout)
    assert done.returncode == 0, done.stdout


def test_a_caller_whose_memory_hangs_waits_for_a_second(bundle, work, targets, build, blocking, binary):
    """Its path cannot be read: the call is let happen, and told of by the change watch."""
    lower = image_tree(f"{work}/permission-hostage", [*targets, f"{build}/tests/e2e/mmap_hostage"])
    container = bundle("runc", lower, devices=["/dev/fuse"],
                       seccomp=write_profile(binary, work, blocking, *RULES))
    container.start("/app/mmap_hostage", "chmod", "5")

    def told():
        with open(f"{container.directory}/output", encoding="utf-8") as output:
            return output.read()
    wait_until(lambda: "errno=" in told(), 15, "the hostage's answer")
    result = dict(word.split("=") for word in told().split() if "=" in word)
    assert result["errno"] == "0" and 900 <= int(result["ms"]) < 3000, told()
    alert = blocking.wait_alert(container.id, "createExecutable", "/tmp/x", outcome="alerted")
    assert alert["holdfast"]["mechanism"] == "change_watch"
    container.remove()


@pytest.fixture
def nobody_else(blocking):
    """The module's daemon is done: two at once would judge each other's containers."""
    blocking.stop()


def test_paths_that_no_policy_names_are_left_alone(nobody_else, make_daemon, policy_file, bundle,
                                                   permission_lower, binary, work):
    daemon = make_daemon(policy_file(APP_ONLY))
    container = bundle("crun", permission_lower,
                       seccomp=write_profile(binary, work, daemon, *RULES)).start()
    assert container.exec(TOOL, "give", "chmod").returncode == GIVEN  # /drifted
    done = container.sh("cat /app/payload >/app/y; chmod +x /app/y; test -x /app/y")
    assert done.returncode == 1 and "not permitted" in done.stdout, done.stdout
    alert = daemon.wait_alert(container.id, "createExecutable")
    assert alert["holdfast"]["mechanism"] == "seccomp" and alert["file"]["path"] == "/app/y"
    assert len(daemon.alerts(container.id)) == 1
    container.remove()


def test_under_alert_only_it_is_told_of_once(nobody_else, make_daemon, default_policy, bundle,
                                             permission_lower, binary, work):
    daemon = make_daemon(default_policy)
    profile = write_profile(binary, work, daemon, *RULES)
    container = bundle("runc", permission_lower, seccomp=profile).start()
    for way in ("chmod", "fsetxattr"):
        before = len(daemon.alerts(container.id))
        assert container.exec(TOOL, "give", way).returncode == GIVEN
        assert_one_document(daemon, container, before, "change_watch", "alerted")
    container.remove()
