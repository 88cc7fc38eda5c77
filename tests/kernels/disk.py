"""The guest's disk: its root filesystem, with busybox, holdfast, the image of the containers, and apart
from these, for the phase that needs it, crun with its libraries."""
import os
import shutil
import subprocess
import sys

from guest import HERE

REPOSITORY = os.path.dirname(os.path.dirname(HERE))
sys.path += [f"{REPOSITORY}/tests/e2e", f"{REPOSITORY}/tests/evasion"]

import sandbox  # noqa: E402
from catalogue import TECHNIQUES  # noqa: E402
from containers import write_oci_config  # noqa: E402
from technique import LIMITATION  # noqa: E402

# The control groups' v2 comes first: v1's hierarchies outlive their mounts. crun is there from `runtime` on.
PHASES = ("v2", "memory", "evasion", "runtime", "v1", "hybrid")
ROOT = "bin dev proc sys run tmp guest store bundle image/app image/bin image/dev image/proc image/sys image/tmp image/etc"
# Races between two threads: the guest has one processor, and without KVM thousands of execs take minutes.
RACES = ("write_while_exec", "mapped_while_exec")
# Static programs that need nothing but a container's root.
ATTACKS = [technique for technique in TECHNIQUES
           if not technique.script and not technique.host and technique.container == "plain"
           and technique.group != "time" and technique.expected != LIMITATION
           and technique.name not in RACES]
sandbox.SECONDS = 120  # without KVM, and on a busy machine


def add_runtime(root):
    """crun and the libraries that it is linked with, below `runtime`."""
    crun = shutil.which("crun")
    linked = subprocess.run(["ldd", crun], capture_output=True, text=True, check=True).stdout
    for path in [word for word in linked.split() if word.startswith("/")]:
        os.makedirs(f"{root}/runtime{os.path.dirname(path)}", exist_ok=True)
        shutil.copy(path, f"{root}/runtime{path}")
    os.makedirs(f"{root}/runtime/bin")
    shutil.copy(crun, f"{root}/runtime/bin")
    write_oci_config(f"{root}/bundle", ["/bin/sh", "/app/acts", "runtime"])
    os.symlink("/store/runtime/merged", f"{root}/bundle/rootfs")


def add_image(root, build):
    app = f"{root}/image/app"
    for name in os.listdir(f"{build}/tests/evasion"):
        shutil.copy(f"{build}/tests/evasion/{name}", app)
    shutil.copy(f"{app}/victim", f"{app}/replaced")
    shutil.copy(f"{HERE}/guest/acts", app)
    for technique in ATTACKS:
        os.makedirs(f"{app}/victims/{technique.name}")
        shutil.copy(f"{app}/victim", f"{root}/image{technique.victim}")
        sandbox.place_program(technique, f"{root}/image")
    with open(f"{app}/techniques", "w", encoding="utf-8") as script:
        script.write(sandbox.batch(ATTACKS))
    os.chmod(f"{root}/image/tmp", 0o1777)


def make_disk(directory, build, phases=PHASES):
    root = f"{directory}/root"
    for name in ROOT.split():
        os.makedirs(f"{root}/{name}")
    for path in (root, f"{root}/image"):
        shutil.copy(shutil.which("busybox"), f"{path}/bin/busybox")
        subprocess.run(["chroot", path, "/bin/busybox", "--install", "-s", "/bin"], check=True)
    shutil.copy(f"{build}/portable/holdfast", f"{root}/bin")
    for name in ("main", "cgroups", "daemon", "layouts", "memory", "evasion", "runtime"):
        shutil.copy(f"{HERE}/guest/{name}", f"{root}/guest")
    os.chmod(f"{root}/guest/main", 0o755)
    shutil.copy(f"{build}/tests/kernels/launch", f"{root}/guest")
    shutil.copy(f"{REPOSITORY}/policies/block.yml", f"{root}/guest")
    with open(f"{root}/guest/phases", "w", encoding="utf-8") as file:
        file.write(" ".join(phases))
    add_image(root, build)
    add_runtime(root)
    image = f"{directory}/disk.img"
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, "-E", "root_owner=0:0", image, "256M"],
                   check=True, stdout=subprocess.DEVNULL)
    return image
