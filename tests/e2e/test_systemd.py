"""The unit file in a systemd guest: installed, started, seen to work, stopped."""
import os
import shutil
import subprocess
import time
import uuid

import pytest

from containers import REPOSITORY, image_tree, write_oci_config
from expect import assert_refused
from shell import CommandFailed, run, wait_until

PACKAGES = "systemd dbus runc dash bash grep coreutils util-linux mount procps libc-bin"


class Guest:
    """systemd as the first process of a tree, under systemd-nspawn. The tree is made of this
    machine's packages."""

    def __init__(self, tree):
        self.tree = tree
        self.process = None
        self.console = f"{tree}.console"

    def boot(self):
        # nspawn's own filter answers EPERM to fanotify_init, hence SYSTEMD_SECCOMP=0.
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(
                ["systemd-nspawn", "-q", "-b", "-D", self.tree, "-M", f"hf-{uuid.uuid4().hex[:8]}",
                 "--capability=all", "--register=no", "--keep-unit", "--console=pipe",
                 "--private-network"],
                env={**os.environ, "SYSTEMD_SECCOMP": "0"}, stdin=subprocess.DEVNULL,
                stdout=console, stderr=subprocess.STDOUT)
        wait_until(self.is_up, 60, "the guest to boot", interval=0.2)

    def leader(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="utf-8") as children:
            return children.read().split()[0]

    def is_up(self):
        assert self.process.poll() is None, f"nspawn ended: {self.output()}"
        try:
            state = self("systemctl", "is-system-running", check=False).stdout.strip()
        except (IndexError, CommandFailed):
            return False
        return state in ("running", "degraded")

    def output(self):
        with open(self.console, encoding="utf-8", errors="replace") as console:
            return console.read()[-4000:]

    def __call__(self, *command, **options):
        return run("nsenter", "-t", self.leader(), "-a", *command, **options)

    def power_off(self):
        if self.process.poll() is None:
            try:
                self("systemctl", "poweroff", "--force", check=False, timeout=15)
                self.process.wait(timeout=20)
            except (CommandFailed, IndexError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait(timeout=10)


@pytest.fixture(scope="module")
def guest(work, build, targets):
    tree = f"{work}/guest"
    run(f"{REPOSITORY}/scripts/host-rootfs", tree, *PACKAGES.split())
    run(f"{REPOSITORY}/scripts/image-root", build, tree, timeout=300)
    shutil.copy(f"{REPOSITORY}/policies/block.yml", f"{tree}/etc/holdfast/policies/block.yml")
    with open(f"{tree}/etc/machine-id", "w", encoding="utf-8") as file:
        file.write(uuid.uuid4().hex + "\n")
    for name in ("upper", "work", "rootfs"):
        os.makedirs(f"{tree}/srv/bundle/{name}")
    image_tree(f"{tree}/srv/bundle/lower", targets)
    machine = Guest(tree)
    try:
        machine.boot()
        yield machine
    finally:
        machine.power_off()
        shutil.rmtree(tree)


def start_container(guest):
    """A runc container in the guest; nspawn mounts the cgroup hierarchies read-only."""
    guest("sh", "-c", "for m in $(findmnt -rno TARGET -t cgroup,cgroup2,tmpfs | grep ^/sys/fs/cgroup);"
                      " do mount -o remount,rw,bind $m; done")
    write_oci_config(f"{guest.tree}/srv/bundle", ["sleep", "600"])
    guest("mount", "-t", "overlay", "overlay", "-o",
          "lowerdir=/srv/bundle/lower,upperdir=/srv/bundle/upper,workdir=/srv/bundle/work",
          "/srv/bundle/rootfs")
    guest("sh", "-c", "cd /srv/bundle && runc run -d web </dev/null >/srv/out 2>&1 || cat /srv/out;"
                      " test -e /run/runc/web/state.json")


def test_unit_starts_works_and_stops(guest):
    guest("systemctl", "start", "holdfast")
    wait_until(lambda: guest("holdfast", "status", check=False).returncode == 0, 10, "the daemon")
    assert guest("systemctl", "is-active", "holdfast").stdout.strip() == "active"
    start_container(guest)
    assert_refused(guest("runc", "exec", "web", "cp", "/bin/busybox", "/tmp/x", check=False))
    assert guest("runc", "exec", "web", "/app/victim").returncode == 0
    log = f"{guest.tree}/var/log/holdfast/alerts.ndjson"
    wait_until(lambda: os.path.exists(log) and "/tmp/x" in open(log, encoding="utf-8").read(), 5,
               "the alert")

    begin = time.monotonic()
    guest("systemctl", "stop", "holdfast")
    assert time.monotonic() - begin < 3
    shown = guest("systemctl", "show", "-p", "Result,ActiveState,NRestarts", "holdfast").stdout
    assert "Result=success" in shown and "ActiveState=inactive" in shown, shown
    assert "NRestarts=0" in shown, shown
    assert guest("runc", "exec", "web", "cp", "/bin/busybox", "/tmp/x").returncode == 0
    guest("runc", "delete", "-f", "web")
    guest("umount", "/srv/bundle/rootfs")


def test_unit_file_is_sound():
    done = run("systemd-analyze", "verify", "--man=no", f"{REPOSITORY}/systemd/holdfast.service",
               check=False)
    complaints = [line for line in done.stdout.splitlines()
                  if "holdfast" in line and "not executable" not in line]
    assert complaints == []
