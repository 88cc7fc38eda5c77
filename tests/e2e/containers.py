"""Containers of the tests: podman's, and bare OCI bundles on an overlay that the test mounts."""
import functools
import json
import os
import shutil
import subprocess
import tempfile
import uuid

from shell import run

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGE = "localhost/holdfast-test:1.0"
CAPABILITIES = [
    f"CAP_{name}" for name in (
        "CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD SETGID SETUID SETFCAP SETPCAP SYS_CHROOT "
        "SYS_ADMIN").split()]


class Podman:
    """A podman of its own: storage and settings below a directory."""

    def __init__(self, directory, driver="overlay"):
        self.directory = directory
        self.storage = os.path.join(directory, "storage")
        self._script("create", directory, driver)

    @staticmethod
    def _script(*arguments):
        run(os.path.join(REPOSITORY, "scripts/podman-sandbox"), *arguments, timeout=120)

    def image(self, name, files):
        self._script("image", self.directory, name, *files)

    def __call__(self, *arguments, **options):
        return run(os.path.join(self.directory, "podman"), *arguments, **options)

    def start(self, *options, runtime="runc", image=IMAGE, command=("sleep", "86400")):
        out = self("--runtime", runtime, "run", "-d", "--network=none", *options, image,
                   *command).stdout
        return PodmanContainer(self, out.strip().splitlines()[-1])

    def remove(self):
        self._script("remove", self.directory)


class PodmanContainer:
    def __init__(self, podman, container_id):
        self.podman, self.id = podman, container_id

    def exec(self, *command, check=False, timeout=30):
        return self.podman("exec", self.id, *command, check=check, timeout=timeout)

    def sh(self, script, check=False, timeout=30):
        return self.exec("sh", "-c", script, check=check, timeout=timeout)

    def pid(self):
        return int(self.podman("inspect", "--format", "{{.State.Pid}}", self.id).stdout)

    def remove(self):
        self.podman("rm", "-f", "-t", "0", self.id, check=False)


@functools.cache
def _oci_template():
    with tempfile.TemporaryDirectory() as directory:
        run("runc", "spec", cwd=directory)
        with open(f"{directory}/config.json", encoding="utf-8") as file:
            return file.read()


def tmpfs(path):
    return {"destination": path, "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}


def volume(source, path):
    return {"destination": path, "type": "bind", "source": source, "options": ["rbind", "rw"]}


def write_oci_config(directory, command, capabilities=CAPABILITIES, devices=(), annotations=None,
                     mounts=(), seccomp=None):
    """config.json of a bundle: its root is rootfs, it has no terminal and, unless the file of a
    profile is given, no seccomp filter.
    Devices are the host's, by path; mounts, in the form of the runtime specification, come last."""
    config = json.loads(_oci_template())
    process = config["process"]
    process["terminal"] = False
    process["args"] = list(command)
    process["env"] = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/"]
    for kind in process["capabilities"]:
        process["capabilities"][kind] = capabilities
    process.pop("rlimits", None)
    config["root"]["readonly"] = False
    config["linux"]["devices"] = []
    for path in devices:
        number = os.stat(path).st_rdev
        device = {"type": "c", "major": os.major(number), "minor": os.minor(number)}
        config["linux"]["devices"].append({**device, "path": path, "fileMode": 0o600})
        config["linux"]["resources"].setdefault("devices", []).append(
            {**device, "allow": True, "access": "rwm"})
    config["mounts"] += mounts
    if seccomp:
        with open(seccomp, encoding="utf-8") as profile:
            config["linux"]["seccomp"] = json.load(profile)
    if annotations:
        config["annotations"] = annotations
    with open(f"{directory}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)


class Bundle:
    """An OCI bundle whose root is an overlay of a lower directory, run by runc or crun alone."""

    def __init__(self, runtime, directory, lower, **config):
        self.runtime, self.lower = runtime, lower
        self.id = f"holdfast-test-{uuid.uuid4().hex[:12]}"
        self.directory = os.path.join(directory, self.id)
        self.root = os.path.join(self.directory, "rootfs")
        self.config = config  # of write_oci_config
        for name in ("upper", "work", "rootfs"):
            os.makedirs(os.path.join(self.directory, name))
        self.mounted = False

    def mount(self):
        layers = (f"lowerdir={self.lower},upperdir={self.directory}/upper,"
                  f"workdir={self.directory}/work")
        run("mount", "-t", "overlay", "overlay", "-o", layers, self.root)
        self.mounted = True

    def unmount(self):
        if self.mounted:
            run("umount", "-l", self.root, check=False)
            self.mounted = False

    def configure(self, command):
        write_oci_config(self.directory, command, **self.config)

    def run(self, *command, timeout=60):
        """Runs a command as the container's first process, to its end."""
        self.configure(command)
        if not self.mounted:
            self.mount()
        return run(self.runtime, "run", self.id, cwd=self.directory, check=False, timeout=timeout)

    def start(self, *command):
        """Starts the container and leaves it running."""
        self.configure(command or ("sleep", "86400"))
        if not self.mounted:
            self.mount()
        # The container inherits the output, so that it must not be a pipe that is read to its end.
        with open(os.path.join(self.directory, "output"), "w", encoding="utf-8") as output:
            started = run(self.runtime, "run", "-d", self.id, cwd=self.directory, check=False,
                          stdout=output, stderr=subprocess.STDOUT)
        with open(os.path.join(self.directory, "output"), encoding="utf-8") as output:
            assert started.returncode == 0, f"{self.runtime} run failed: {output.read()}"
        return self

    def exec(self, *command, check=False, timeout=30):
        return run(self.runtime, "exec", self.id, *command, check=check, timeout=timeout)

    def sh(self, script, check=False, timeout=30):
        return self.exec("sh", "-c", script, check=check, timeout=timeout)

    def pid(self):
        return json.loads(run(self.runtime, "state", self.id).stdout)["pid"]

    def remove(self):
        run(self.runtime, "delete", "-f", self.id, check=False, timeout=20)
        self.unmount()
        shutil.rmtree(self.directory, ignore_errors=True)


def image_tree(directory, files):
    """The same small root as the podman image's, as a directory for bundles."""
    for name in ("app bin dev etc opt/dir proc run sys tmp usr/bin usr/local/bin var").split():
        os.makedirs(os.path.join(directory, name))
    shutil.copy(shutil.which("busybox"), os.path.join(directory, "bin/busybox"))
    run("chroot", directory, "/bin/busybox", "--install", "-s", "/bin")
    for name in files:
        shutil.copy(name, os.path.join(directory, "app"))
    victim = os.path.join(directory, "app/victim")
    shutil.copy(victim, os.path.join(directory, "opt/dir/tool"))
    os.chmod(os.path.join(directory, "tmp"), 0o1777)
    return directory
