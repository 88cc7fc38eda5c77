"""The containers that the techniques run in: one image for all, and a script that runs many of them
one after another and tells their exit codes."""
import json
import os
import re
import shlex
import shutil
import subprocess
import zipfile

from catalogue import TECHNIQUES
from containers import CAPABILITIES, REPOSITORY, Bundle
from shell import run

PACKAGES = ("busybox-static python3-minimal libpython3.11-stdlib dash bash coreutils dpkg tar sed grep "
            "findutils diffutils libc-bin util-linux mount unzip gcc libc6-dev").split()
SECONDS = 30  # for one technique
LINGER_MS = 1000  # how long a payload stays that is ended after its start

# A script's status: 77 is the payload's; without it a refusal must be what stood in the way.
PRELUDE = """\
umask 022
script() {
  output=$(sh -c "$1" 2>&1); status=$?
  printf '%s\\n' "$output"
  case $status:$output in
    77:*) return 0 ;;
    137:* | *'Operation not permitted'*) return 42 ;;
    *) return 99 ;;
  esac
}
"""


def place_program(technique, root):
    """What is in ROOT/app, under the technique's own name, if it has one."""
    if technique.program.startswith("/app/as/") and not technique.script:
        os.makedirs(os.path.dirname(f"{root}{technique.program}"))
        os.link(f"{root}/app/{technique.run.split()[0]}", f"{root}{technique.program}")


def build_image(directory, programs):
    """Directories for lowerdir: Debian with a compiler, and /app above it: the programs, the payload
    in its several forms, and for each technique executables that it may change."""
    run(f"{REPOSITORY}/scripts/host-rootfs", f"{directory}/debian", *PACKAGES, timeout=120)
    app = f"{directory}/app-layer/app"
    os.makedirs(app)
    for name in programs:
        shutil.copy(name, app)
    with zipfile.ZipFile(f"{app}/payload.zip", "w") as archive:
        archive.write(f"{app}/payload", "payload")
    package = f"{directory}/package"
    os.makedirs(f"{package}/DEBIAN")
    os.makedirs(f"{package}/opt/package")
    shutil.copy(f"{app}/payload", f"{package}/opt/package")
    with open(f"{package}/DEBIAN/control", "w", encoding="utf-8") as control:
        control.write("Package: payload\nVersion: 1\nArchitecture: all\n"
                      "Maintainer: none <none@example.test>\nDescription: a test\n")
    run("dpkg-deb", "--root-owner-group", "-Znone", "-b", package, f"{app}/payload.deb")
    for technique in TECHNIQUES:
        victims = f"{app}/victims/{technique.name}"
        os.makedirs(victims)
        shutil.copy(f"{app}/victim", technique.victim.replace("/app", app, 1))
        with open(f"{victims}/script", "w", encoding="utf-8") as script:
            script.write("#!/bin/sh\n:\n")
        os.chmod(f"{victims}/script", 0o755)
        place_program(technique, f"{directory}/app-layer")
    return f"{directory}/app-layer:{directory}/debian"


def command(technique):
    """Shell text that runs a technique in its directory."""
    begin = (f"mkdir -p -m 777 {technique.scratch}; cd {technique.scratch};"
             f" export VICTIM={technique.victim} SCRIPT=/app/victims/{technique.name}/script")
    if technique.expected == "killed":
        begin += f" LINGER={LINGER_MS}"
    run_it = (f"script {shlex.quote(technique.run)}" if technique.script
              else f"timeout -s KILL {SECONDS} {technique.command}")
    return f"({begin}; {run_it})"


def batch(techniques):
    """One script for many; parse_batch reads what it prints."""
    return PRELUDE + "".join(f"{command(technique)} 2>&1; printf '\\n@@ %s %s\\n' {technique.name} $?\n"
                             for technique in techniques)


def parse_batch(output):
    """name -> (exit code, output)"""
    parts = re.split(r"^@@ (\S+) (\d+)\n", output, flags=re.M)
    return {name: (int(code), text.strip())
            for text, name, code in zip(parts[0::3], parts[1::3], parts[2::3])}


def attack(container, *techniques):
    """Runs techniques one after another in a running container: name -> (exit code, output)."""
    done = container.exec("sh", "-c", batch(techniques), timeout=SECONDS * 4)
    results = parse_batch(done.stdout)
    missing = [technique.name for technique in techniques if technique.name not in results]
    assert not missing, f"no result of {missing}: {done.stdout[-2000:]}"
    return results


class Sandbox(Bundle):
    """A container of the image. `mounts`: (type, source, destination, options) beside runc's own;
    `seccomp`: the file of a profile."""

    def __init__(self, directory, lower, mounts=(), seccomp=None):
        super().__init__("runc", directory, lower, devices=["/dev/fuse"], seccomp=seccomp,
                         capabilities=[*CAPABILITIES, "CAP_DAC_READ_SEARCH"])
        self.mounts = mounts

    def configure(self, command):
        super().configure(command)
        path = f"{self.directory}/config.json"
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        replaced = [mount[2] for mount in self.mounts]
        config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] not in replaced]
        config["mounts"] += [dict(zip(("type", "source", "destination", "options"), mount))
                             for mount in self.mounts]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)


class Volumes:
    """What is mounted into a container of the kind `mounted`: fresh for each."""

    def __init__(self, directory):
        self.directory = directory
        for name in ("volume", "kubelet/volumes/kubernetes.io~empty-dir/cache", "memory"):
            os.makedirs(f"{directory}/{name}", exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", f"{directory}/memory")
        for name in ("hosts", "file"):
            with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
                file.write("127.0.0.1 localhost\n")

    def mounts(self):
        there = self.directory
        tmpfs = [("tmpfs", "tmpfs", path, ["nosuid", "nodev", "mode=1777"])
                 for path in ("/tmp", "/run", "/dev/shm")]
        bound = [("bind", f"{there}/{source}", destination, ["rbind", "rw"]) for source, destination in (
            ("volume", "/mnt/volume"), ("memory", "/mnt/memory"),
            ("kubelet/volumes/kubernetes.io~empty-dir/cache", "/mnt/empty"),
            ("hosts", "/etc/hosts"), ("file", "/mnt/file"))]
        return [*tmpfs, *bound]

    def remove(self):
        subprocess.run(["umount", "-l", f"{self.directory}/memory"], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
