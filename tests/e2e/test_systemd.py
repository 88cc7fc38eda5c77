"""The unit file in a systemd guest: installed, started, seen to work, restarted, killed, stopped and
broken, while a covered container is at work."""
import os
import shutil
import time
import uuid

import pytest

from containers import REPOSITORY, image_tree, write_oci_config
from expect import assert_refused
from guest import Guest, Load, Service
from profiles import write_profile
from shell import run, wait_until

PACKAGES = "systemd dbus runc dash bash grep coreutils util-linux mount procps libc-bin"
ALERTS = "/var/log/holdfast/alerts.ndjson"
SETTINGS = "unmanaged: as-policy\n"  # the container is runc's alone
# HOLDFAST_LONG=1: what takes too long for each run of the tests.
RESTARTS = 100 if os.environ.get("HOLDFAST_LONG") else 10
LONGEST_START = 5000  # ms that an opener may wait for a daemon that does not come back
KILL = 1500           # ms that the kills take beside it, on a busy machine
LONGEST_FROZEN = 10000
HELD = 42
# Its listener is the one that runc handed over at its start.
WAITING = ("until [ -e /go ]; do sleep 0.1; done; /app/memfd_ways run fexecve; echo $? >/result;"
           " sleep 600")


@pytest.fixture(scope="module")
def guest(work, build, targets):
    tree = f"{work}/guest"
    run(f"{REPOSITORY}/scripts/host-rootfs", tree, *PACKAGES.split())
    run(f"{REPOSITORY}/scripts/image-root", build, tree, timeout=300)
    shutil.copy(f"{REPOSITORY}/policies/block.yml", f"{tree}/etc/holdfast/policies/block.yml")
    with open(f"{tree}/etc/holdfast/holdfast.yml", "w", encoding="utf-8") as file:
        file.write(SETTINGS)
    with open(f"{tree}/etc/machine-id", "w", encoding="utf-8") as file:
        file.write(uuid.uuid4().hex + "\n")
    for name in ("upper", "work", "rootfs"):
        os.makedirs(f"{tree}/srv/bundle/{name}")
    tools = [f"{build}/tests/e2e/{name}" for name in ("drift_load", "memfd_ways")]
    image_tree(f"{tree}/srv/bundle/lower", [*targets, *tools])
    machine = Guest(tree)
    # Tried again soon, so that the tests see it.
    machine.write("/etc/systemd/system/holdfast-retry.timer.d/test.conf",
                  "[Timer]\nOnActiveSec=\nOnActiveSec=2\n")
    try:
        machine.boot()
        yield machine
    finally:
        machine.power_off()
        shutil.rmtree(tree)


def start_container(guest):
    """A runc container in the guest; nspawn mounts the cgroup hierarchies read-only."""
    guest.sh("for m in $(findmnt -rno TARGET -t cgroup,cgroup2,tmpfs | grep ^/sys/fs/cgroup);"
             " do mount -o remount,rw,bind $m; done")
    write_oci_config(f"{guest.tree}/srv/bundle", ["sleep", "600"])
    guest("mount", "-t", "overlay", "overlay", "-o",
          "lowerdir=/srv/bundle/lower,upperdir=/srv/bundle/upper,workdir=/srv/bundle/work",
          "/srv/bundle/rootfs")
    guest.sh("cd /srv/bundle && runc run -d web </dev/null >/srv/out 2>&1 || cat /srv/out;"
             " test -e /run/runc/web/state.json")


@pytest.fixture(scope="module")
def covered(guest):
    """The service runs, and the load in a container that it covers."""
    guest("systemctl", "start", "holdfast")
    start_container(guest)
    guest("runc", "exec", "-d", "--pid-file", "/srv/load.pid", "web", "/app/drift_load",
          "/app/victim", "/app/payload", "/tmp/load", stdout=None, stderr=None)
    with open(f"{guest.tree}/srv/load.pid", encoding="utf-8") as file:
        load = Load(guest, int(file.read()), f"{guest.tree}/srv/bundle/upper/tmp/load/report")
    yield load
    load.stop()  # it still can: nothing of it hangs
    guest("runc", "delete", "-f", "web")
    guest("umount", "/srv/bundle/rootfs")


@pytest.fixture
def load(guest, service, covered):
    """The covered container's load, at the start of each test guarded and with no wait behind it."""
    if not service.active():
        service.restart()
        covered.go_on()  # what began before the daemon was there has ended
    yield covered
    service.override("")


@pytest.fixture
def service(guest):
    unit = Service(guest)
    guest("systemctl", "reset-failed", check=False)
    return unit


def comes_back(service, timeout=8):
    wait_until(service.active, timeout, "the service to be active again")


def assert_guarded_since(load, before, refused=0):
    """No drifted program ran, and of the image's no more than `refused` were refused."""
    now = load.report()
    assert now["drifted"] == before["drifted"], f"{now} after {before}"
    assert now["refused"] - before["refused"] <= refused, f"{now} after {before}"


def test_unit_file_is_sound():
    done = run("systemd-analyze", "verify", "--man=no", f"{REPOSITORY}/systemd/holdfast.service",
               f"{REPOSITORY}/systemd/holdfast-retry.timer", check=False)
    complaints = [line for line in done.stdout.splitlines()
                  if "holdfast" in line and "not executable" not in line]
    assert complaints == []


def test_service_starts_and_works(guest, service, load):
    assert guest("holdfast", "status").returncode == 0
    wait_until(lambda: service.stored() >= 1, 2, "the container's group to be stored")
    assert_refused(guest("runc", "exec", "web", "cp", "/bin/busybox", "/tmp/x", check=False))
    assert guest("runc", "exec", "web", "/app/victim").returncode == 0
    wait_until(lambda: "/tmp/x" in alerts(guest), 5, "the alert")


def alerts(guest):
    path = f"{guest.tree}{ALERTS}"
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_service_lives_in_the_hosts_mount_namespace(guest, service, load):
    """No setting of the unit gives it one of its own; the reason stands in the unit."""
    for pid in service.pids():
        assert guest("readlink", f"/proc/{pid}/ns/mnt").stdout == \
            guest("readlink", "/proc/1/ns/mnt").stdout


def test_restarts_open_no_gap(guest, service, load):
    before = load.measure_anew()
    for number in range(RESTARTS):
        if number == RESTARTS - 1:  # the store outlives the manager's own replacement
            guest("systemctl", "daemon-reexec")
        service.restart()
        load.go_on()
    assert_guarded_since(load, before)
    assert load.report()["longest_ms"] < LONGEST_START
    assert service.stored() >= 1


@pytest.fixture
def asked(guest, service, load, binary, work):
    """A container under the seccomp profile that makes a memory file when /go is there."""
    directory = f"{guest.tree}/srv/asked"
    for name in ("upper", "work", "rootfs"):
        os.makedirs(f"{directory}/{name}")
    write_oci_config(directory, ["sh", "-c", WAITING], seccomp=write_profile(
        binary, work, name="guest", socket_path="/run/holdfast/seccomp.sock"))
    guest("mount", "-t", "overlay", "overlay", "-o",
          "lowerdir=/srv/bundle/lower,upperdir=/srv/asked/upper,workdir=/srv/asked/work",
          "/srv/asked/rootfs")
    guest.sh("cd /srv/asked && runc run -d asked </dev/null >/srv/out 2>&1 || cat /srv/out;"
             " test -e /run/runc/asked/state.json")
    yield f"{directory}/upper/result"
    guest("runc", "delete", "-f", "asked")
    guest("umount", "/srv/asked/rootfs")
    shutil.rmtree(directory)


@pytest.mark.parametrize("way", ["restarted", "killed"])
def test_seccomp_listeners_outlive_the_daemon(guest, service, asked, way):
    if way == "restarted":
        service.restart()
    else:
        killed = service.main_pid()
        service.signal("KILL", *service.pids())
        wait_until(lambda: service.active() and service.main_pid() != killed, 8, "another daemon")
    guest("runc", "exec", "asked", "touch", "/go")
    wait_until(lambda: os.path.exists(asked) and os.path.getsize(asked), 10, "its memory file")
    with open(asked, encoding="utf-8") as file:
        assert int(file.read()) == HELD


@pytest.mark.parametrize("victims", ["keeper", "worker", "all"])
def test_killed_it_comes_back_and_nothing_drifted_ran(service, load, victims):
    before = load.measure_anew()
    keeper = service.main_pid()
    service.signal("KILL", *{"keeper": lambda: [keeper], "worker": lambda: [service.worker_pid()],
                             "all": service.pids}[victims]())
    if victims != "worker":
        wait_until(lambda: service.main_pid() not in (0, keeper), 5, "another keeper")
    comes_back(service)
    load.go_on()
    # What was read but not decided died with both; a successor cannot know what it was.
    assert_guarded_since(load, before, refused=0 if victims == "worker" else 2)
    assert load.report()["longest_ms"] < LONGEST_START
    assert (service.main_pid() == keeper) == (victims == "worker")
    load.go_on()
    assert_guarded_since(load, before, refused=0 if victims == "worker" else 2)


@pytest.fixture
def uncovered(guest):
    """The same load in no container."""
    app = "/srv/bundle/lower/app"
    pid = guest.sh(f"{app}/drift_load {app}/victim {app}/payload /srv/uncovered >/dev/null 2>&1 &"
                   " echo $!").stdout
    load = Load(guest, int(pid), f"{guest.tree}/srv/uncovered/report")
    yield load
    load.stop()
    shutil.rmtree(f"{guest.tree}/srv/uncovered")


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_stopped_or_frozen_it_is_ended_by_the_watchdog(guest, service, load, uncovered, how):
    before = load.measure_anew()
    keeper = service.main_pid()
    if how == "stopped":
        service.signal("STOP", *service.pids())
    else:
        freezer = f"{service.control_group()}/cgroup.freeze"
        if guest("test", "-e", freezer, check=False).returncode != 0:
            pytest.skip("the guest's cgroup hierarchy has no freezer")
        guest.sh(f"echo 1 >{freezer}")
    wait_until(lambda: service.main_pid() not in (0, keeper), LONGEST_FROZEN / 1000, "the watchdog")
    comes_back(service)
    load.go_on()
    assert_guarded_since(load, before, refused=2)
    assert load.report()["longest_ms"] < LONGEST_FROZEN
    assert uncovered.report()["longest_ms"] < 1000
    assert_refused(guest("runc", "exec", "web", "cp", "/bin/busybox", "/tmp/y", check=False))


def test_no_log_reader_is_needed(guest, service, load):
    """journald stands still, and its socket is full: 400 reloads are more lines than it takes."""
    before = load.measure_anew()
    size = len(alerts(guest))
    journal = guest("systemctl", "show", "-P", "MainPID", "systemd-journald").stdout.strip()
    keeper = service.main_pid()
    service.signal("STOP", journal)
    try:
        guest.sh(f"for i in $(seq 400); do kill -HUP {keeper}; sleep 0.005; done")
        load.go_on(rounds=50)
        assert_refused(guest("runc", "exec", "web", "cp", "/bin/busybox", "/tmp/z", check=False))
        wait_until(lambda: "/tmp/z" in alerts(guest)[size:], 5, "the alert")
        assert_guarded_since(load, before)
        service.restart()
        load.go_on()
        assert_guarded_since(load, before)
    finally:
        service.signal("CONT", journal)
    assert service.active()


def test_stop_lets_containers_run_unguarded_at_once(guest, service, load):
    before = load.measure_anew()
    begin = time.monotonic()
    guest("systemctl", "stop", "holdfast")
    assert time.monotonic() - begin < 3
    assert (service.show("ActiveState"), service.show("Result")) == ("inactive", "success")
    wait_until(lambda: service.stored() == 0, 2, "the store to be dropped")
    after = load.go_on(timeout=2)
    assert after["drifted"] > before["drifted"]
    assert after["refused"] == before["refused"]
    assert after["longest_ms"] < 2000
    assert guest("systemctl", "is-active", "holdfast-retry.timer", check=False).returncode != 0
    assert guest("runc", "exec", "web", "cp", "/bin/busybox", "/tmp/w").returncode == 0


def assert_gives_up_and_returns(service, load, before, longest):
    """Fails for good within that time, so that those who wait go on; the mended one returns."""
    wait_until(lambda: service.show("ActiveState") == "failed", 15, "the service to give up")
    after = load.go_on(timeout=3, rounds=1)
    assert after["refused"] - before["refused"] <= 2
    assert after["longest_ms"] < longest
    assert service.stored() == 0


def test_a_start_that_hangs_is_given_up(service, load):
    before = load.measure_anew()
    service.override("ExecStart=\nExecStart=/bin/sleep 60")
    service.signal("KILL", service.main_pid())
    assert_gives_up_and_returns(service, load, before, LONGEST_START + KILL)
    service.override("")
    comes_back(service)  # tried again by the timer
    before = load.go_on()
    load.go_on()
    assert_guarded_since(load, before)


def test_a_start_that_is_refused_is_given_up(guest, service, load):
    before = load.measure_anew()
    guest.write("/etc/holdfast/holdfast.yml", "no_such_setting: 1\n")
    service.signal("KILL", service.main_pid())
    assert_gives_up_and_returns(service, load, before, KILL)
    guest.write("/etc/holdfast/holdfast.yml", SETTINGS)
    comes_back(service)
