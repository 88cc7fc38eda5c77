"""A dockerd of a test's own, without networking."""
import os
import shutil
import subprocess

from containerd import short_directory
from shell import run, wait_until


class Docker:
    def __init__(self, *options, environment=None):
        self.directory = short_directory("hf-dock.")
        with open(f"{self.directory}/log", "wb") as log:
            self.process = subprocess.Popen(
                ["dockerd", "-H", self.socket, "--data-root", f"{self.directory}/root",
                 "--exec-root", f"{self.directory}/exec", "--pidfile", f"{self.directory}/pid",
                 "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
                 "--bridge=none", "--storage-driver=overlay2", "--exec-opt",
                 "native.cgroupdriver=cgroupfs", "--oom-score-adjust=0", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})})
        try:
            wait_until(lambda: self("version", check=False).returncode == 0, 60, "dockerd to answer")
        except BaseException:
            self.remove()
            raise

    @property
    def socket(self):
        return f"unix://{self.directory}/d.sock"

    def __call__(self, *arguments, **options):
        return run("docker", "-H", self.socket, *arguments, **options)

    def remove(self):
        self.process.terminate()  # it ends its containers
        self.process.wait(timeout=30)
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            left = [line.split()[4] for line in mounts if self.directory in line.split()[4]]
        for mount in reversed(left):
            run("umount", "-l", mount, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
