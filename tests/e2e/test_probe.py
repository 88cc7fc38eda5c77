"""`holdfast probe`: what it says of this machine, and of one that lacks something."""
import json
import os
import subprocess
import time

import pytest

from containers import REPOSITORY
from shell import run

WITHOUT_SYS_ADMIN = ("setpriv", "--bounding-set", "-sys_admin")


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return file.read()


def processes_of(binary):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{entry}/exe") == binary:
                found.append(entry)
        except OSError:
            pass  # a kernel thread, or gone
    return found


def probe(binary, *prefix, status=0):
    done = run(*prefix, binary, "probe", "--json", check=False, timeout=10)
    assert done.returncode == status, done.stdout
    return json.loads(done.stdout)


def reach(document, operation, act):
    return next(entry["reach"] for entry in document["operations"]
                if entry["operation"] == operation and act in entry["act"])


def test_what_this_machine_can_do(binary):
    document = probe(binary)
    assert document["can_enforce"]
    assert [name for name, finding in document["tried"].items() if not finding["works"]] == []
    assert reach(document, "createExecutable", "written") == "prevented"
    assert reach(document, "createExecutable", "chmod") == "detected"
    assert reach(document, "modifyExecutable", "written") == "prevented"
    assert reach(document, "execMemFd", "under the seccomp profile") == "prevented"
    assert reach(document, "execMemFd", "without the seccomp profile") == "killed after start"
    assert reach(document, "execMemFd", "in huge pages") == "prevented"


def test_it_is_quick_and_leaves_nothing_behind(binary):
    before = mounts(), sorted(os.listdir("/tmp")), processes_of(binary)
    begin = time.monotonic()
    probe(binary)
    assert time.monotonic() - begin < 2
    assert (mounts(), sorted(os.listdir("/tmp")), processes_of(binary)) == before


def test_bpf_lsm_is_what_the_kernel_says(binary, work):
    securityfs = f"{work}/securityfs"
    os.makedirs(securityfs)
    run("mount", "-t", "securityfs", "securityfs", securityfs)
    try:
        with open(f"{securityfs}/lsm", encoding="utf-8") as file:
            modules = file.read().strip().split(",")
    finally:
        run("umount", securityfs)
    document = probe(binary)
    assert document["security_modules"] == modules
    assert document["bpf_lsm"] == ("active" if "bpf" in modules else "not active")


def test_without_the_privilege_nothing_can_be_enforced(binary):
    document = probe(binary, *WITHOUT_SYS_ADMIN, status=1)
    assert not document["can_enforce"]
    assert {entry["reach"] for entry in document["operations"]} == {"not possible"}
    assert "CAP_SYS_ADMIN" in document["tried"]["permission_events"]["remedy"]
    text = run(*WITHOUT_SYS_ADMIN, binary, "probe", check=False).stdout
    assert "Nothing can be enforced here: " in text and "CAP_SYS_ADMIN" in text.splitlines()[-1], text


def test_run_says_the_same(binary, block_policy, work):
    done = run(*WITHOUT_SYS_ADMIN, binary, "run", "--policy", block_policy, "--state-dir", f"{work}/unprivileged",
               check=False, timeout=10)
    assert done.returncode == 2, done.stdout
    assert len(done.stdout.splitlines()) == 1 and "CAP_SYS_ADMIN" in done.stdout, done.stdout


@pytest.mark.parametrize("namespace, needed", [("--net", "hostNetwork"), ("--pid", "hostPID")])
def test_outside_the_hosts_namespaces_nothing_is_killed(binary, namespace, needed):
    document = probe(binary, "unshare", namespace, "--fork")
    assert reach(document, "execMemFd", "without the seccomp profile") == "not possible"
    assert needed in document["tried"]["exec_events"]["remedy"]
    assert reach(document, "createExecutable", "written") == "prevented"


def test_news_for_other_subscribers_is_no_answer(binary, blocking):
    """Outside the first pid namespace the connector never answers, while the daemon's events arrive."""
    load = subprocess.Popen(["sh", "-c", "while :; do /bin/true; sleep 0.1; done"])
    try:
        begin = time.monotonic()
        probe(binary, "unshare", "--pid", "--fork")
        assert time.monotonic() - begin < 5
    finally:
        load.kill()
        load.wait()


def test_while_a_daemon_runs(binary, blocking):
    """The probe's own overlay is no container, and what it tries is no alert."""
    document = probe(binary)
    assert [name for name, finding in document["tried"].items() if not finding["works"]] == []
    assert blocking.documents() == []
    assert blocking.status()["health"] == "ok"


def test_in_the_image_of_a_daemonset(build, work):
    """Privileged, in the host's pid and network namespaces, on a root of its own that is read-only."""
    root = f"{work}/probe-image"
    run(f"{REPOSITORY}/scripts/image-root", build, root, timeout=120)
    script = (f"mount --bind {root} {root}; mount -t proc proc {root}/proc; mount --rbind /dev {root}/dev;"
              f" mount -o remount,bind,ro {root}; exec chroot {root} /usr/sbin/holdfast probe --json")
    done = run("unshare", "--mount", "sh", "-ec", script, check=False)
    assert done.returncode == 0, done.stdout
    missing = [name for name, finding in json.loads(done.stdout)["tried"].items() if not finding["works"]]
    assert missing == [], done.stdout
