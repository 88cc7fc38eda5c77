"""Memory files of huge pages, in containers without the seccomp profile: one mark for each page size
covers them. What runs in these tests is a script: the segments of a common program do not fit huge pages."""
import os
import signal
import time

import pytest

from containers import image_tree
from profiles import write_profile
from shell import run, wait_until

HELD = 42
TOOL = "/app/memfd_ways"
PAGES = "/proc/sys/vm/nr_hugepages"


@pytest.fixture(scope="module")
def huge_lower(work, targets, build):
    return image_tree(f"{work}/huge", [*targets, f"{build}/tests/e2e/memfd_ways"])


@pytest.fixture(scope="module")
def huge_pages():
    """Four, so that a memory file of them can have content."""
    with open(PAGES, encoding="ascii") as file:
        before = file.read()

    def write(number):
        with open(PAGES, "w", encoding="ascii") as file:
            file.write(number)
    write(str(int(before) + 4))
    with open(PAGES, encoding="ascii") as file:
        assert int(file.read()) > int(before), "this machine has no memory for a huge page"
    yield
    write(before)


def of_memory_files(daemon, container):
    return daemon.alerts(container.id, "execMemFd")


@pytest.mark.parametrize("runtime", ["runc", "crun"])
@pytest.mark.parametrize("way", ["huge", "huge_script", "huge_gigantic"])
def test_it_does_not_run(way, runtime, bundle, huge_lower, huge_pages, blocking):
    container = bundle(runtime, huge_lower).start()
    done = container.exec(TOOL, "run", way)
    assert done.returncode == HELD, done.stdout
    alert = blocking.wait_alert(container.id, "execMemFd")
    assert alert["holdfast"]["mechanism"] == "memfd_gate"
    assert alert["file"]["name"] == "evil" and alert["process"]["name"] == "memfd_ways"
    assert alert["cloud_defend"]["matched_selectors"]
    time.sleep(1.1)
    assert len(of_memory_files(blocking, container)) == 1
    container.remove()


def test_status_says_how(blocking):
    assert blocking.status()["huge_page_files"]["mechanism"] == "memfd_gate"
    assert blocking.status()["huge_page_files"]["page_sizes"] >= 1


def test_the_hosts_own_runs(build, huge_pages, blocking):
    alerts = len(blocking.documents())
    for way in ("huge_script", "huge_script"):
        done = run(f"{build}/tests/e2e/memfd_ways", "run", way, check=False)
        assert done.returncode == 0, done.stdout
    # An empty one is no program: the kernel says so, not the daemon.
    done = run(f"{build}/tests/e2e/memfd_ways", "run", "huge", check=False)
    assert done.returncode == 1 and "Exec format" in done.stdout
    time.sleep(0.2)
    assert len(blocking.documents()) == alerts


def test_under_the_profile_it_is_one_act(bundle, huge_lower, huge_pages, blocking, binary, work):
    container = bundle("runc", huge_lower, seccomp=write_profile(binary, work, blocking)).start()
    assert container.exec(TOOL, "run", "huge_script").returncode == HELD
    blocking.wait_alert(container.id, "execMemFd")
    time.sleep(1.1)
    assert len(of_memory_files(blocking, container)) == 1
    container.remove()


def test_another_worker_takes_over(bundle, huge_lower, huge_pages, blocking):
    """While there is none, whoever runs such a file waits, and gets the right answer."""
    container = bundle("runc", huge_lower).start()
    for _ in range(3):
        worker = blocking.status()["worker"]["pid"]
        os.kill(worker, signal.SIGKILL)
        done = container.exec(TOOL, "run", "huge_script")
        assert done.returncode == HELD, done.stdout
        wait_until(lambda: run(blocking.binary, "status", "--state-dir", blocking.state_dir,
                               check=False).returncode == 0, 10, "another worker")
    assert blocking.status()["huge_page_files"]["mechanism"] == "memfd_gate"
    container.remove()


@pytest.fixture
def alone(blocking):
    """The module's daemon is done: two at once would judge each other's containers."""
    blocking.stop()


@pytest.mark.parametrize("profile", [False, True])
def test_under_alert_only_it_runs_and_is_told_of_once(profile, alone, make_daemon, default_policy, bundle,
                                                      huge_lower, huge_pages, binary, work, build):
    daemon = make_daemon(default_policy)
    assert daemon.status()["huge_page_files"]["mechanism"] == "memfd_gate"
    container = bundle("runc", huge_lower,
                       seccomp=write_profile(binary, work, daemon) if profile else None).start()
    done = container.exec(TOOL, "run", "huge_script")
    assert done.returncode == 0, done.stdout
    alert = daemon.wait_alert(container.id, "execMemFd", outcome="alerted")
    assert alert["file"]["name"] == "evil"
    time.sleep(1.1)
    assert len(of_memory_files(daemon, container)) == 1
    assert run(f"{build}/tests/e2e/memfd_ways", "run", "huge_script", check=False).returncode == 0
    time.sleep(0.2)
    assert len(daemon.alerts(operation="execMemFd")) == 1
    container.remove()


def test_marks_follow_the_policy(alone, make_daemon, default_policy, block_policy, policy_file, bundle,
                                 huge_lower, huge_pages):
    def text(path):
        with open(path, encoding="utf-8") as file:
            return file.read()
    path = policy_file(text(default_policy))
    daemon = make_daemon(path)
    container = bundle("runc", huge_lower).start()
    for policy, status in ((default_policy, 0), (block_policy, HELD), (default_policy, 0), (block_policy, HELD)):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text(policy))
        blocks = policy == block_policy
        wait_until(lambda: daemon.status()["enforcing"] == blocks, 5, "the policy")
        wait_until(lambda: container.exec(TOOL, "run", "huge_script").returncode == status, 5,
                   f"exit {status} under {policy}")
    container.remove()


def test_on_a_kernel_without_it_the_exec_watch_is_left(alone, make_daemon, block_policy, build):
    daemon = make_daemon(block_policy, env={"LD_PRELOAD": f"{build}/tests/kernels/pretend.so",
                                            "HOLDFAST_LACKS": "huge_pages"})
    told = daemon.status()["huge_page_files"]
    assert (told["mechanism"], told["page_sizes"]) == ("exec_watch", 0)
    assert "huge pages" in told["reason"] and "exec watch alone" in daemon.log()
