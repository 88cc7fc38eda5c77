"""Boots a kernel under qemu, without KVM, on the portable holdfast, and reads what the guest tells."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get("HOLDFAST_KERNELS", "/var/cache/holdfast-tests/kernels")
MODULES = ("virtio_pci", "virtio_blk", "overlay")
BOOT_SECONDS = 400


@dataclass(frozen=True)
class Kernel:
    name: str
    suite: str
    package: str = ""  # the suite's newest


# 5.10.218 is the oldest that can be had, and the only one with fanotify as it was in the 5.x years.
KERNELS = (
    Kernel("5.10.218", "bullseye", "linux-image-5.10.0-30-cloud-amd64"),
    Kernel("6.1", "bookworm"),
    Kernel("5.10", "bullseye"),
    Kernel("6.12", "trixie"),
    Kernel("newest", "trixie-backports"),
)


def fetch(kernel):
    """The directory of a kernel: vmlinuz, config, modules."""
    command = [f"{HERE}/get-kernel", CACHE, kernel.suite, *([kernel.package] if kernel.package else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stderr}"
    return done.stdout.strip().splitlines()[-1]


def module_order(directory, names):
    """Those modules and what they depend on, in the order of loading; one that is built in is left out."""
    order = []

    def add(name):
        path = next((path for path in (f"{directory}/modules/{spelled}.ko" for spelled in (
            name, name.replace("_", "-"))) if os.path.exists(path)), None)
        if path is None or path in order:
            return
        depends = subprocess.run(["modinfo", "-F", "depends", path], capture_output=True, text=True, check=True)
        for dependency in filter(None, depends.stdout.strip().split(",")):
            add(dependency)
        order.append(path)
    for name in names:
        add(name)
    return order


def make_initramfs(directory, kernel_directory, holdfast):
    """busybox, holdfast, a policy and modules."""
    root = f"{directory}/initramfs"
    for name in ("bin", "modules"):
        os.makedirs(f"{root}/{name}")
    shutil.copy(shutil.which("busybox"), f"{root}/bin/busybox")
    shutil.copy(holdfast, f"{root}/bin/holdfast")
    shutil.copy(f"{HERE}/guest/init", f"{root}/init")
    shutil.copy(f"{HERE}/../../policies/block.yml", root)
    os.chmod(f"{root}/init", 0o755)
    order = module_order(kernel_directory, MODULES)
    for path in order:
        shutil.copy(path, f"{root}/modules")
    with open(f"{root}/modules/order", "w", encoding="utf-8") as file:
        file.write("".join(f"{os.path.basename(path)}\n" for path in order))
    archive = f"{directory}/initramfs.cpio"
    subprocess.run(f"cd {root} && find . | cpio -o -H newc --quiet >{archive}", shell=True, check=True)
    return archive


@dataclass
class Step:
    output: str
    status: int


@dataclass
class Report:
    console: str
    steps: dict = field(default_factory=dict)

    def __getitem__(self, name):
        assert name in self.steps, f"the guest did not get to {name}; it did {list(self.steps)}\n{self.console[-3000:]}"
        return self.steps[name]

    def alerts(self, phase):
        return [json.loads(line) for line in self[f"{phase}.alerts"].output.splitlines()]


def parse_steps(text):
    """name -> Step. Steps do not overlap, but what the guest's background says may stand between."""
    parts = re.findall(r"^@@STEP (\S+)\n(.*?)^@@STATUS \1 (\d+)$", text, flags=re.M | re.S)
    return {name: Step(output, int(status)) for name, output, status in parts}


def boot(kernel_directory, disk, holdfast, memory=768):
    """Runs the guest of a disk, or of the initramfs alone, to its end."""
    with tempfile.TemporaryDirectory(prefix="holdfast-kernel.", dir="/var/tmp") as directory:
        initramfs = make_initramfs(directory, kernel_directory, holdfast)
        console, results = f"{directory}/console", f"{directory}/results"
        command = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", str(memory),
            "-kernel", f"{kernel_directory}/vmlinuz", "-initrd", initramfs,
            *(("-drive", f"file={disk},format=raw,if=virtio,snapshot=on") if disk else ()),
            "-serial", f"file:{console}", "-serial", f"file:{results}",
            "-append", "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr tsc=reliable"
                       " no_timer_check random.trust_cpu=on rdinit=/init"]
        try:
            subprocess.run(command, timeout=BOOT_SECONDS, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        except subprocess.TimeoutExpired:
            pass  # the report shows how far it got
        texts = []
        for path in (console, results):
            with open(path, encoding="utf-8", errors="replace") as file:
                texts.append(file.read().replace("\r\n", "\n"))
        return Report("\n".join(texts), parse_steps(texts[1]))
