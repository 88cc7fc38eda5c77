"""What the tests of the exec watch share: a program that lingers, and where to run it from."""
import os
import subprocess

TOOL = "/app/exec_window"
# Runs the rest of its arguments from a filesystem that the program mounts itself, in a mount
# namespace that nobody has seen an exec in: no mark is there.
UNMARKED = (TOOL, "fresh")


def runs(daemon, container, path=None, operation=None):
    """The alerts about executions, not about the making of the file."""
    return [alert for alert in daemon.alerts(container.id, operation, path)
            if alert["holdfast"]["mechanism"] in ("exec_gate", "exec_watch")]


def detach(container, *command):
    """A process of the container that goes on; the program's pid is not known."""
    subprocess.run([container.runtime, "exec", "-d", container.id, *command], check=True,
                   timeout=30, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def processes_of(program):
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/exe").split(" ")[0].endswith(program):
                found.append(int(entry))
        except OSError:
            pass
    return found
