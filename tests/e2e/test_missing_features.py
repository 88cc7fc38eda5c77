"""Kernels that lack what the daemon uses, pretended by tests/kernels/library/pretend.c: what holds without
it, and what the daemon and the probe say."""
import json
import os
import time

import pytest

from containers import image_tree
from expect import DROP_AND_RUN, assert_blocked_alert, assert_refused
from shell import run
from test_seccomp import write_profile

HELD = 42
REFUSED, KILLED, RUNS = ("blocked", "memfd_gate"), ("killed", "exec_watch"), None

# feature -> what becomes of a memory file under the profile, and without it
FEATURES = {
    "names": (REFUSED, KILLED),
    "file_handles": (REFUSED, KILLED),
    "birth_time": (REFUSED, KILLED),
    "noexec_seal": (REFUSED, KILLED),
    "pidfd": (REFUSED, KILLED),
    "openat2": (REFUSED, KILLED),
    "lease": (REFUSED, KILLED),
    "addfd_send": (REFUSED, KILLED),
    "exec_events": (REFUSED, RUNS),
    # Its creation is refused.
    "addfd continue": (("blocked", "seccomp"), KILLED),
    # As much as can be missing at once: as on 5.0.
    "names file_handles birth_time noexec_seal pidfd openat2 addfd_send addfd continue": (("blocked", "seccomp"), KILLED),
}


@pytest.fixture(scope="module")
def pretend(build):
    def environment(features):
        library = f"{build}/tests/kernels/pretend.so"
        assert os.path.exists(library), f"{library} is missing: run make targets"
        return {"LD_PRELOAD": library, "HOLDFAST_LACKS": features}
    return environment


@pytest.fixture(scope="module")
def memory_lower(work, targets):
    return image_tree(f"{work}/missing", targets)


def memory_file(container, daemon, expected):
    done = container.exec("env", "LINGER=1000", "/app/memory_file", "evil", "fd")
    if expected is RUNS:
        assert done.returncode == 0, done.stdout
        return
    assert done.returncode == HELD, done.stdout
    alert = daemon.wait_alert(container.id, "execMemFd", outcome=expected[0])
    assert alert["holdfast"]["mechanism"] == expected[1]


@pytest.mark.parametrize("features", FEATURES, ids=lambda features: features.replace(" ", "+"))
def test_containers_are_kept(features, pretend, make_daemon, block_policy, bundle, memory_lower, binary, work):
    under_profile, without = FEATURES[features]
    daemon = make_daemon(block_policy, env=pretend(features))
    profile = write_profile(binary, work, daemon, name="missing")
    containers = (bundle("crun", memory_lower, seccomp=profile).start(), bundle("runc", memory_lower).start())
    for container in containers:
        # What was touched has other times and the image's bytes; that nobody can still change them, a lease tells.
        touched = container.sh("chown 1 /opt/dir/tool && chmod 700 /opt/dir/tool && /opt/dir/tool")
        assert touched.returncode == (126 if features == "lease" else 0), touched.stdout
        assert_refused(container.exec("cp", "/app/payload", "/tmp/copied"))
        assert not os.path.exists(f"{container.directory}/upper/tmp/copied")
        assert_blocked_alert(daemon.wait_alert(container.id, "createExecutable", "/tmp/copied"),
                             "createExecutable", "/tmp/copied", "cp")
        assert_refused(container.sh("echo x >>/app/victim"))
        assert_blocked_alert(daemon.wait_alert(container.id, "modifyExecutable", "/app/victim"),
                             "modifyExecutable", "/app/victim")
        assert_refused(container.sh(DROP_AND_RUN.format(path="/tmp/dropped")))
        daemon.wait_alert(container.id, "createExecutable", "/tmp/dropped")
        assert container.exec("/app/victim").returncode == 0
    memory_file(containers[0], daemon, under_profile)
    memory_file(containers[1], daemon, without)
    unseen = {bool(container.get("changes_not_seen")) for container in daemon.status()["containers"]
              if container["id"] in {container.id for container in containers}}
    assert unseen == {"names" in features or "file_handles" in features}
    for container in containers:
        container.remove()
    daemon.stop()


def test_a_call_that_cannot_be_let_happen_does_not_hang(pretend, make_daemon, default_policy, bundle, memory_lower,
                                                        binary, work):
    """Before 5.5 the kernel performs no call that was asked about."""
    daemon = make_daemon(default_policy, env=pretend("continue"))
    profile = write_profile(binary, work, daemon, "--rules", "memfd,mount", name="continue")
    container = bundle("crun", memory_lower, seccomp=profile).start()
    done = container.exec("mount", "-t", "tmpfs", "tmpfs", "/opt", timeout=10)
    assert done.returncode != 0 and "not implemented" in done.stdout, done.stdout
    container.remove()
    daemon.stop()


def probe(binary, environment):
    done = run(binary, "probe", "--json", check=False, timeout=10, env={**os.environ, **environment})
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("features, missing, remedy", [
    ("names", "change_events", "5.9"),
    ("file_handles", "change_events", "file handles"),
    ("birth_time", "birth_time", "birth times"),
    ("lease", "write_access", "CAP_LEASE"),
    ("exec_events", "exec_events", "CONFIG_PROC_EVENTS"),
    ("addfd", "seccomp_injection", "5.9"),
    ("huge_pages", "refuse_huge_memfd", "CONFIG_HUGETLBFS"),
])
def test_the_probe_says_what_is_missing(features, missing, remedy, pretend, binary):
    status, document = probe(binary, pretend(features))
    assert status == 0
    finding = document["tried"][missing]
    assert not finding["works"] and remedy in finding["remedy"], finding


def test_a_kernel_without_permission_events(pretend, binary, block_policy, work):
    environment = pretend("permission_events")
    status, document = probe(binary, environment)
    assert status == 1 and not document["can_enforce"]
    assert document["tried"]["permission_events"]["remedy"] == "the kernel needs CONFIG_FANOTIFY_ACCESS_PERMISSIONS"
    done = run(binary, "run", "--policy", block_policy, "--state-dir", f"{work}/no-events", check=False, timeout=10,
               env={**os.environ, **environment})
    assert done.returncode == 2, done.stdout
    assert len(done.stdout.splitlines()) == 1 and "CONFIG_FANOTIFY_ACCESS_PERMISSIONS" in done.stdout, done.stdout


def test_without_injection_memfd_create_itself_is_refused(pretend, binary):
    _, document = probe(binary, pretend("addfd continue"))
    entry = next(entry for entry in document["operations"]
                 if entry["operation"] == "execMemFd" and "under" in entry["act"])
    assert (entry["reach"], entry["mechanisms"]) == ("prevented", ["seccomp"])


def test_an_attempt_that_hangs_is_ended(pretend, binary):
    begin = time.monotonic()
    status, document = probe(binary, pretend("answers"))
    assert time.monotonic() - begin < 2
    assert status == 0
    assert document["tried"]["change_events"]["detail"] == "the attempt did not come back"
    assert [name for name, finding in document["tried"].items() if not finding["works"]] == [
        "change_events", "birth_time", "tmpfs_change_events"]
