"""A systemd guest, holdfast's unit in it, and a load that counts what it may not see."""
import os
import re
import subprocess
import uuid

from shell import CommandFailed, run, wait_until


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

    def sh(self, script, **options):
        return self("sh", "-c", script, **options)

    def write(self, path, text):
        os.makedirs(os.path.dirname(f"{self.tree}{path}"), exist_ok=True)
        with open(f"{self.tree}{path}", "w", encoding="utf-8") as file:
            file.write(text)

    def power_off(self):
        if self.process.poll() is None:
            try:
                self("systemctl", "poweroff", "--force", check=False, timeout=15)
                self.process.wait(timeout=20)
            except (CommandFailed, IndexError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait(timeout=10)


class Service:
    """holdfast.service in the guest."""

    def __init__(self, guest):
        self.guest = guest

    def show(self, name):
        return self.guest("systemctl", "show", "-P", name, "holdfast").stdout.strip()

    def active(self):
        return self.show("ActiveState") == "active"

    def main_pid(self):
        return int(self.show("MainPID"))

    def stored(self):
        return int(self.show("NFileDescriptorStore"))

    def restart(self):
        """The start limit is not the subject where this is used."""
        self.guest("systemctl", "reset-failed", "holdfast", check=False)  # may not be loaded
        self.guest("systemctl", "restart", "holdfast")

    def control_group(self):
        """Its directory, in the hierarchy that systemd keeps its units in."""
        group = self.show("ControlGroup")
        return self.guest.sh(
            "for d in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do"
            f" test -e $d{group}/cgroup.procs && echo $d{group} && exit; done").stdout.strip()

    def pids(self):
        return self.guest("cat", f"{self.control_group()}/cgroup.procs").stdout.split()

    def worker_pid(self):
        """The keeper's child."""
        children = self.guest("pgrep", "-P", self.main_pid()).stdout.split()
        assert len(children) == 1, children
        return int(children[0])

    def signal(self, name, *pids):
        self.guest("kill", f"-{name}", *pids, check=False)  # a worker ends with its keeper

    def override(self, text):
        """A drop-in for the next start; none without text."""
        path = "/etc/systemd/system/holdfast.service.d/test.conf"
        self.guest.write(path, f"[Service]\n{text}\n")
        self.guest("systemctl", "daemon-reload")

    def log(self):
        done = self.guest("journalctl", "-u", "holdfast", "--no-pager", "-n", "60", check=False)
        return done.stdout


class Load:
    """tests/e2e/drift_load.c at work, by its pid in the guest and its report."""

    def __init__(self, guest, pid, report):
        self.guest, self.pid, self.path = guest, pid, report
        wait_until(lambda: os.path.exists(report) and os.path.getsize(report), 5, "the load")

    def report(self):
        with open(self.path, encoding="utf-8") as file:
            return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", file.read())}

    def go_on(self, timeout=5, rounds=3):
        """Waits until it has done some rounds that begin now; its report then."""
        wanted = self.report()["rounds"] + rounds + 1
        wait_until(lambda: self.report()["rounds"] >= wanted, timeout, "the load to go on")
        return self.report()

    def measure_anew(self):
        """Forgets the longest wait; a report to compare with."""
        self.guest("kill", "-USR1", self.pid)
        return self.go_on()

    def stop(self):
        self.guest("kill", "-TERM", self.pid)
        wait_until(lambda: self.report()["done"], 10, "the load to end")
        return self.report()
