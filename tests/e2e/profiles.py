"""Seccomp profiles that ask a test's daemon."""
import subprocess

from shell import run

ENGINE_PROFILE = "/usr/share/containers/seccomp.json"


def write_profile(binary, directory, daemon=None, *options, name="profile", socket_path=None):
    path = f"{directory}/{name}.json"
    listener = socket_path or f"{daemon.state_dir}/seccomp.sock"
    done = run(binary, "seccomp-profile", "--listener", listener, *options, stderr=subprocess.DEVNULL)
    with open(path, "w", encoding="utf-8") as file:
        file.write(done.stdout)
    return path
