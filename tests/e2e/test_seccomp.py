"""Containers under the seccomp profile: a memory file does not run, and is memory like any other."""
import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from containers import REPOSITORY, image_tree
from profiles import ENGINE_PROFILE, write_profile
from shell import run, wait_until

LONG = bool(os.environ.get("HOLDFAST_LONG"))
HELD = 42
TOOL = "/app/memfd_ways"
MOST_MEMORY_FILES = 8192  # src/sensor/memory_file_limit.h
WAYS = ["fexecve", "execve_fd", "dev_fd", "execveat", "script", "dup", "sibling", "user_namespace",
        "thread", "exec_flag", "huge"]
PERL = ("$n = 'evil'; $fd = syscall(319, $n, 0); open(F, \">&=$fd\"); open(P, '/app/payload');"
        "binmode(P); local $/; print F <P>; close(P); F->flush(); exec(\"/proc/$$/fd/$fd\"); exit($! == 1 ? 42 : 1)")
PYTHON = ("import os; fd = os.memfd_create('evil'); os.write(fd, open('/app/payload', 'rb').read())\n"
          "try: os.execv(f'/proc/self/fd/{fd}', ['x'])\n"
          "except PermissionError: raise SystemExit(42)")


@pytest.fixture(scope="module")
def memory_lower(work, targets, build):
    return image_tree(f"{work}/memory", [*targets, f"{build}/tests/e2e/memfd_ways"])


@pytest.fixture(scope="module")
def memory_image(podman, targets, build):
    name = "localhost/holdfast-memory:1.0"
    podman.image(name, [*targets, f"{build}/tests/e2e/memfd_ways"])
    return name


@pytest.fixture(scope="module")
def interpreters(work, host_root, targets):
    """A Debian root with perl, python and the payload."""
    directory = f"{work}/interpreters"
    run(f"{REPOSITORY}/scripts/host-rootfs", directory,
        *"python3-minimal libpython3.11-stdlib perl-base dash bash coreutils libc-bin".split())
    os.makedirs(f"{directory}/app")
    shutil.copy(next(name for name in targets if name.endswith("/payload")), f"{directory}/app")
    return directory


@pytest.fixture(scope="module", params=["runc", "crun", "podman"])
def covered(request, bundle, memory_lower, memory_image, podman, blocking, binary, work):
    if request.param == "podman":
        profile = write_profile(binary, work, blocking, "--base", ENGINE_PROFILE, name="podman")
        container = podman.start("--security-opt", f"seccomp={profile}", image=memory_image)
    else:
        profile = write_profile(binary, work, blocking)
        container = bundle(request.param, memory_lower, seccomp=profile).start()
    yield container
    container.remove()


def refusals(daemon, container):
    return daemon.alerts(container.id, "execMemFd", outcome="blocked")


def assert_one_refusal(daemon, container, before, status, output):
    assert status == HELD, f"exit {status}: {output}"
    alert = wait_until(lambda: refusals(daemon, container)[before:], 5, "an alert")[0]
    assert alert["holdfast"]["mechanism"] == "memfd_gate"
    assert alert["file"]["name"] == "evil"
    assert alert["event"]["outcome"] == "failure" and "denied" in alert["event"]["type"]
    assert alert["cloud_defend"]["matched_selectors"]
    # The same program again within a second is counted in the alert, as any repeated act is.
    time.sleep(1.1)
    assert len(refusals(daemon, container)) == before + 1


@pytest.mark.parametrize("way", WAYS)
def test_a_memory_file_does_not_run(way, covered, blocking):
    before = len(refusals(blocking, covered))
    done = covered.exec(TOOL, "run", way)
    assert_one_refusal(blocking, covered, before, done.returncode, done.stdout)
    assert blocking.alerts(covered.id, outcome="killed") == []


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_one_liners_of_interpreters(runtime, bundle, interpreters, blocking, binary, work):
    profile = write_profile(binary, work, blocking)
    container = bundle(runtime, interpreters, seccomp=profile).start()
    for command in (["perl", "-e", PERL], ["python3", "-c", PYTHON]):
        before = len(refusals(blocking, container))
        done = container.exec(*command)
        assert_one_refusal(blocking, container, before, done.returncode, done.stdout)
    container.remove()


def test_a_memory_file_is_memory(covered, blocking):
    """Name, seals, owner, close-on-exec, mappings with PROT_EXEC; errors are the caller's own."""
    before = len(blocking.alerts(covered.id))
    done = covered.exec(TOOL, "use")
    assert done.returncode == 0, done.stdout
    assert len(blocking.alerts(covered.id)) == before


def test_its_owner_is_the_caller(bundle, memory_lower, blocking, binary, work):
    container = bundle("runc", memory_lower, seccomp=write_profile(binary, work, blocking)).start()
    done = run("runc", "exec", "--user", "1234:2345", container.id, TOOL, "use", check=False)
    assert done.returncode == 0, done.stdout
    container.remove()


def test_status_says_what_meets_memory_files(covered, blocking, bundle, memory_lower):
    def mechanism(container):
        return next(entry["memory_files"] for entry in blocking.status()["containers"]
                    if entry["id"] == container.id)
    assert mechanism(covered) == "memfd_gate"
    other = bundle("runc", memory_lower).start()
    assert mechanism(other) == "exec_watch"
    done = other.exec(TOOL, "run", "fexecve")
    assert done.returncode in (0, 128 + 9), done.stdout  # the payload may be done by then
    other.remove()


def test_a_raced_path_never_runs(covered):
    """The path of execveat changes behind its pointer between an image program and a memory file."""
    done = covered.exec(TOOL, "race", "30" if LONG else "5", timeout=60)
    print(done.stdout)
    assert done.returncode == 0, done.stdout


def test_a_worker_that_dies_loses_no_listener(covered, blocking):
    files = blocking.status()["seccomp"]["memory_files"]
    for _ in range(3):
        worker = blocking.status()["worker"]["pid"]
        os.kill(worker, signal.SIGKILL)
        done = covered.exec(TOOL, "run", "fexecve", timeout=30)
        assert done.returncode == HELD, done.stdout
        wait_until(lambda: _worker(blocking) not in (None, worker), 10, "another worker")
        # A process that has had its listener all along, not one that a runtime has just brought.
    assert covered.exec(TOOL, "many", "200").returncode == 0
    assert blocking.status()["seccomp"]["memory_files"] >= 200, files


def _worker(daemon):
    try:
        return daemon.status()["worker"]["pid"]
    except (AssertionError, json.JSONDecodeError):
        return None


def test_what_a_dead_worker_had_received_is_answered(bundle, memory_lower, blocking, binary, work):
    """One process makes memory files all along while workers are killed: none of its calls fails."""
    container = bundle("runc", memory_lower, seccomp=write_profile(binary, work, blocking)).start()
    with subprocess.Popen(["runc", "exec", container.id, TOOL, "many", "20000"],
                          stdout=subprocess.PIPE, text=True) as caller:
        kills = 0
        while caller.poll() is None and kills < 50:
            pid = _worker(blocking)
            if pid:
                os.kill(pid, signal.SIGKILL)
                kills += 1
            time.sleep(0.05)
        output, _ = caller.communicate(timeout=60)
    assert caller.returncode == 0, output
    assert kills > 0
    container.remove()


def test_a_container_keeps_a_limited_number_of_memory_files(bundle, memory_lower, blocking, binary, work):
    """Each costs the daemon memory, which a container must not take away. Others are not concerned."""
    profile = write_profile(binary, work, blocking)
    container, other = (bundle("runc", memory_lower, seccomp=profile).start() for _ in range(2))
    with subprocess.Popen(["runc", "exec", container.id, TOOL, "keep", "9000", "5"],
                          stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout.readline() == f"{MOST_MEMORY_FILES} errno={errno.ENFILE}\n"
        done = container.exec(TOOL, "run", "fexecve")
        assert done.returncode not in (0, HELD) and "Too many open files in system" in done.stdout
        assert other.exec(TOOL, "run", "fexecve").returncode == HELD
    assert "gets no more until it closes some" in blocking.log()
    time.sleep(0.2)
    done = container.exec(TOOL, "run", "fexecve")
    assert done.returncode == HELD, done.stdout
    for one in (container, other):
        one.remove()


def connect(daemon):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.connect(f"{daemon.state_dir}/seccomp.sock")
    return peer


STATE = json.dumps({"ociVersion": "1.0.2", "fds": ["seccompFd"], "pid": 1, "metadata": "",
                    "state": {"id": "nobody", "status": "creating", "pid": 1, "bundle": "/"}}).encode()


def test_what_is_no_state_is_refused(covered, blocking):
    def refused():
        return blocking.status()["seccomp"]["states_refused"]
    before = refused()
    listeners = blocking.status()["seccomp"]["listeners"]
    bad = [b"garbage", b"{}", STATE, b"{" * 100_000, b"\0" * 2_000_000, b"[" * 70 + b"]" * 70, b""]
    for message in bad:
        with connect(blocking) as peer:
            try:
                peer.sendall(message)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it had heard enough
    with connect(blocking) as peer, open("/dev/null", encoding="utf-8") as null:
        socket.send_fds(peer, [STATE], [null.fileno()])  # a descriptor, but no listener
    wait_until(lambda: refused() == before + len(bad) + 1, 5, "all to be refused")
    slow = connect(blocking)
    slow.sendall(STATE[:10])
    done = covered.exec(TOOL, "run", "fexecve")  # and this one is served meanwhile
    assert done.returncode == HELD, done.stdout
    wait_until(lambda: refused() == before + len(bad) + 2, 10, "the slow writer to be dropped")
    slow.close()
    assert blocking.status()["seccomp"]["listeners"] <= listeners + 1


def test_a_thousand_connections_at_once(covered, blocking):
    refused = blocking.status()["seccomp"]["states_refused"]
    peers = [connect(blocking) for _ in range(1000)]
    for peer in peers:
        peer.sendall(b"garbage")
        peer.shutdown(socket.SHUT_WR)
    wait_until(lambda: blocking.status()["seccomp"]["states_refused"] == refused + 1000, 30,
               "all to be refused")
    for peer in peers:
        peer.close()
    assert covered.exec(TOOL, "run", "fexecve").returncode == HELD


def test_a_listener_goes_with_its_processes(bundle, memory_lower, blocking, binary, work):
    profile = write_profile(binary, work, blocking)
    listeners = blocking.status()["seccomp"]["listeners"]
    container = bundle("runc", memory_lower, seccomp=profile).start()
    for _ in range(5):
        container.exec(TOOL, "use", check=True)
    container.remove()
    wait_until(lambda: blocking.status()["seccomp"]["listeners"] <= listeners, 5, "the listeners to go")


def test_without_the_daemon_containers_do_not_start(bundle, memory_lower, blocking, binary, work):
    profile = write_profile(binary, work, socket_path=f"{work}/nobody.sock", name="nobody")
    container = bundle("runc", memory_lower, seccomp=profile)
    done = container.run("/app/victim")
    assert done.returncode != 0 and "nobody.sock" in done.stdout, done.stdout
    container.remove()


def test_other_calls_are_refused_by_policy(bundle, memory_lower, blocking, binary, work):
    profile = write_profile(binary, work, blocking, "--rules", "all", name="all")
    container = bundle("runc", memory_lower, seccomp=profile).start()
    done = container.sh("mount -t tmpfs tmpfs /tmp")
    assert done.returncode != 0, done.stdout
    alert = wait_until(lambda: [a for a in blocking.alerts(container.id, outcome="blocked")
                                if a["holdfast"]["mechanism"] == "seccomp"], 5, "an alert")[0]
    assert alert["process"]["name"] == "mount"
    done = container.sh("unshare -m true")
    assert done.returncode != 0, done.stdout
    assert container.exec("/app/victim").returncode == 0
    assert container.exec(TOOL, "run", "fexecve").returncode == HELD
    container.remove()


@pytest.fixture
def nobody_else(blocking):
    """The module's daemon is done: two at once would judge each other's containers."""
    blocking.stop()


def test_under_alert_only_it_runs_and_is_reported(nobody_else, make_daemon, default_policy, bundle,
                                                  memory_lower, binary, work):
    daemon = make_daemon(default_policy)
    container = bundle("runc", memory_lower, seccomp=write_profile(binary, work, daemon)).start()
    done = container.exec(TOOL, "run", "fexecve")
    assert done.returncode == 0, done.stdout
    daemon.wait_alert(container.id, "execMemFd", outcome="alerted")
    time.sleep(1.1)
    assert len(daemon.alerts(container.id, "execMemFd")) == 1
    container.remove()


def test_many_containers_cost_nothing_while_they_are_quiet(nobody_else, make_daemon, bundle,
                                                           block_policy, memory_lower, binary, work,
                                                           settings):
    number = 200 if LONG else 20
    path = f"{work}/agent-alone.yml"  # the exec watch works for each program that the host starts
    with open(settings, encoding="utf-8") as text, open(path, "w", encoding="utf-8") as alone:
        alone.write(text.read() + "exec_watch: off\n")
    daemon = make_daemon(block_policy, settings=path)
    profile = write_profile(binary, work, daemon)
    containers = [bundle("crun", memory_lower, seccomp=profile).start() for _ in range(number)]
    wait_until(lambda: daemon.status()["seccomp"]["listeners"] >= number, 10, "a listener each")
    worker = daemon.status()["worker"]["pid"]

    def ticks():
        with open(f"/proc/{worker}/stat", encoding="utf-8") as stat:
            return sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13]))
    time.sleep(2)
    before = ticks()
    time.sleep(10)
    used = ticks() - before
    print(f"{used} ticks in 10 s with {number} listeners")
    assert used <= 10
    done = containers[-1].exec(TOOL, "run", "fexecve")
    assert done.returncode == HELD, done.stdout
    assert re.search(r"us=", containers[0].exec(TOOL, "many", "1000").stdout)
    daemon.stop()  # within two seconds
    for container in containers:
        container.remove()


def test_the_runtime_wrapper_adds_the_rules(bundle, memory_lower, make_daemon, nobody_else, block_policy,
                                            binary, monkeypatch):
    """What docker is given with --add-runtime."""
    daemon = make_daemon(block_policy)
    monkeypatch.setenv("HOLDFAST", binary)
    monkeypatch.setenv("HOLDFAST_SECCOMP_SOCKET", f"{daemon.state_dir}/seccomp.sock")
    container = bundle("runc", memory_lower)
    container.configure(("/app/memfd_ways", "run", "fexecve"))
    container.mount()
    wrapper = f"{REPOSITORY}/seccomp/holdfast-runtime"
    run(wrapper, "create", "--bundle", container.directory, container.id, stdout=subprocess.DEVNULL)
    run(wrapper, "start", container.id)
    alert = daemon.wait_alert(container.id, "execMemFd")
    assert alert["holdfast"]["mechanism"] == "memfd_gate"
    container.remove()
