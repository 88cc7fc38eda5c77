"""Techniques in which a process of the host takes part. Each function makes the payload appear as $x
of the technique's directory, or runs the attack; all return (exit code, output)."""
import io
import os
import shutil
import tarfile

from sandbox import attack, batch, parse_batch
from shell import run


def _payload(container):
    return f"{container.lower.split(':')[0]}/app/payload"


def _directory(container, technique):
    container.exec("mkdir", "-p", "-m", "777", technique.scratch, check=True)


def _put(container, path):
    """Content first, x bits afterwards."""
    shutil.copyfile(_payload(container), path)
    os.chmod(path, 0o755)


def unpack_in_root(container, technique):
    """What docker cp does: a tar archive is unpacked by a process of the host, with the container's
    root as seen from there as its own."""
    _directory(container, technique)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(_payload(container), "x")
    path = f"{container.directory}/copy.tar"
    with open(path, "wb") as file:
        file.write(archive.getvalue())
    run("tar", "-C", f"{container.root}{technique.scratch}", "-xf", path)
    return attack(container, technique)[technique.name]


def write_through_proc(container, technique):
    _directory(container, technique)
    _put(container, f"/proc/{container.pid()}/root{technique.scratch}/x")
    return attack(container, technique)[technique.name]


def change_through_proc(container, technique):
    _put(container, f"/proc/{container.pid()}/root{technique.victim}")
    return attack(container, technique)[technique.name]


def write_upper(container, technique):
    _directory(container, technique)
    _put(container, f"{container.directory}/upper{technique.scratch}/x")
    return attack(container, technique)[technique.name]


def enter(container, technique):
    """The attack is a process of the host's control groups in the container's mounts."""
    done = run("nsenter", "-t", container.pid(), "-m", "-r", "-w", "--", "/bin/sh", "-c",
               batch([technique]), check=False, env={"PATH": "/usr/bin:/bin"})
    return parse_batch(done.stdout)[technique.name]


def runtime_exec(container, technique):
    _directory(container, technique)
    done = run(container.runtime, "exec", "--cwd", technique.scratch, "--env",
               f"VICTIM={technique.victim}", container.id, technique.program,
               *technique.run.split()[1:], check=False)
    return done.returncode, done.stdout
