"""The guest's disk: its root filesystem, with busybox, holdfast, and the image of the containers."""
import os
import shutil
import subprocess

from guest import HERE

REPOSITORY = os.path.dirname(os.path.dirname(HERE))
PHASES = ("layouts",)
IN_GUEST = ("main", "cgroups", "daemon", *PHASES)


def make_disk(directory, build, phases=PHASES):
    root = f"{directory}/root"
    for name in "bin dev proc sys run tmp guest store image/app image/bin image/dev image/proc image/tmp".split():
        os.makedirs(f"{root}/{name}")
    for path in (root, f"{root}/image"):
        shutil.copy(shutil.which("busybox"), f"{path}/bin/busybox")
        subprocess.run(["chroot", path, "/bin/busybox", "--install", "-s", "/bin"], check=True)
    shutil.copy(f"{build}/portable/holdfast", f"{root}/bin")
    for name in IN_GUEST:
        shutil.copy(f"{HERE}/guest/{name}", f"{root}/guest")
    os.chmod(f"{root}/guest/main", 0o755)
    shutil.copy(f"{HERE}/guest/acts", f"{root}/image/app")
    shutil.copy(f"{build}/tests/kernels/launch", f"{root}/guest")
    shutil.copy(f"{REPOSITORY}/policies/block.yml", f"{root}/guest")
    with open(f"{root}/guest/phases", "w", encoding="utf-8") as file:
        file.write(" ".join(phases))
    for name in ("payload", "victim", "memory_file"):
        shutil.copy(f"{build}/tests/evasion/{name}", f"{root}/image/app")
    shutil.copy(f"{build}/tests/evasion/victim", f"{root}/image/app/replaced")
    image = f"{directory}/disk.img"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, "-E", "root_owner=0:0", image, "192M"], check=True)
    return image
