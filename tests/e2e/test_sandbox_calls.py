"""Containers whose profile asks about mounts, namespaces and io_uring: refused where the policy blocks,
the kernel's business where it only alerts."""
import time

import pytest

from containers import image_tree
from profiles import ENGINE_PROFILE, write_profile

TAKEN_UP, HELD, UNKNOWN = 0, 42, 38
TOOL = "/app/sandbox_ways"
RULES = {"mount": ("mount", "move_mount", "fsmount"),
         "namespaces": ("unshare_mount", "unshare_user", "clone_mount", "clone_user"),
         "io_uring": ("io_uring",)}
WAYS = [(rule, way) for rule, ways in RULES.items() for way in ways]
NEVER = ("unshare_other", "fork", "thread")


@pytest.fixture(scope="module")
def sandbox_lower(work, targets, build):
    return image_tree(f"{work}/sandbox", [*targets, f"{build}/tests/e2e/sandbox_ways"])


def sandboxed(bundle, lower, binary, work, daemon, rule, runtime="runc"):
    profile = write_profile(binary, work, daemon, "--rules", rule, name=f"sandbox-{rule}")
    return bundle(runtime, lower, seccomp=profile).start()


@pytest.fixture(scope="module", params=["runc", "crun", "podman"])
def covered(request, bundle, sandbox_lower, podman, targets, build, blocking, binary, work):
    if request.param != "podman":
        return sandboxed(bundle, sandbox_lower, binary, work, blocking, "all", request.param)
    # An engine's profile allows these to privileged containers only.
    profile = write_profile(binary, work, blocking, "--base", ENGINE_PROFILE, "--rules", "all", name="sandbox")
    image = "localhost/holdfast-sandbox:1.0"
    podman.image(image, [*targets, f"{build}/tests/e2e/sandbox_ways"])
    return podman.start("--cap-add", "SYS_ADMIN", "--security-opt", f"seccomp={profile}", image=image)


@pytest.mark.parametrize("rule, way", WAYS, ids=[way for _, way in WAYS])
def test_it_is_refused_and_told_of(rule, way, covered, blocking):
    before = len(blocking.alerts(covered.id))
    done = covered.exec(TOOL, way)
    if way == "io_uring" and hasattr(covered, "podman"):
        # podman's own profile does not let it happen: nothing is asked.
        assert done.returncode == UNKNOWN, done.stdout
        assert len(blocking.alerts(covered.id)) == before
        return
    assert done.returncode == HELD, done.stdout
    time.sleep(1.1)
    alerts = blocking.alerts(covered.id)[before:]
    assert len(alerts) == 1, alerts
    assert alerts[0]["holdfast"]["mechanism"] == "seccomp" and alerts[0]["holdfast"]["outcome"] == "blocked"
    assert alerts[0]["process"]["name"] == "sandbox_ways"


@pytest.mark.parametrize("way", NEVER)
def test_other_calls_go_on(way, covered, blocking):
    before = len(blocking.alerts(covered.id))
    done = covered.exec(TOOL, way)
    assert done.returncode == TAKEN_UP, done.stdout
    assert len(blocking.alerts(covered.id)) == before


def test_clone3_is_unknown(covered):
    """Its flags are behind a pointer: libraries use clone instead."""
    assert covered.exec(TOOL, "clone3").returncode == UNKNOWN


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_its_own(rule, bundle, sandbox_lower, blocking, binary, work):
    container = sandboxed(bundle, sandbox_lower, binary, work, blocking, rule)
    for other, ways in RULES.items():
        for way in ways:
            done = container.exec(TOOL, way)
            assert done.returncode == (HELD if other == rule else TAKEN_UP), f"{way}: {done.stdout}"
    assert container.exec(TOOL, "clone3").returncode == (UNKNOWN if rule == "namespaces" else TAKEN_UP)
    container.remove()


def test_under_alert_only_the_kernel_performs_them(blocking, make_daemon, default_policy, bundle, sandbox_lower,
                                                   binary, work):
    """Nothing is told of: what comes of such a call is, when it runs."""
    blocking.stop()  # two at once would judge each other's containers
    daemon = make_daemon(default_policy)
    container = sandboxed(bundle, sandbox_lower, binary, work, daemon, "all")
    for _, way in WAYS:
        notified = daemon.status()["seccomp"]["let_happen"]
        done = container.exec(TOOL, way)
        assert done.returncode == TAKEN_UP, f"{way}: {done.stdout}"
        assert daemon.status()["seccomp"]["let_happen"] > notified, f"{way} was not asked about"
    assert container.exec(TOOL, "clone3").returncode == UNKNOWN
    time.sleep(0.2)
    assert daemon.alerts(container.id) == []
    container.remove()
