"""How a workload's container is started and its script is run: driver(container, script) returns the
finished process, whose exit status says whether all of it worked. The container runs on."""
import os
import subprocess

from shell import run, wait_until

SECONDS = 100
_THEN_STAY = 'sh -c "$0"; echo $? >/finished; exec sleep 600'


def execute(container, script):
    """The script is a process of a container that has run for a while."""
    container.start("sleep", "600")
    return container.sh(script, timeout=SECONDS)


def _finished(container):
    """The script's status, once it is written."""
    path = f"{container.root}/finished"
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def _wait_for_first(container, *command):
    container.start(*command)
    status = wait_until(lambda: _finished(container), SECONDS, "the end of the script")
    with open(f"{container.directory}/output", encoding="utf-8", errors="replace") as output:
        return subprocess.CompletedProcess(command, int(status), output.read())


def first_process(container, script):
    """The script is run by the container's first process, as an entrypoint is."""
    return _wait_for_first(container, "sh", "-c", _THEN_STAY, script)


def under_tini(container, script):
    return _wait_for_first(container, "tini", "-g", "--", "sh", "-c", _THEN_STAY, script)


def init_container(container, script):
    """A container with the same volume runs `script init` to its end, then the container `script`. Under
    alert-only nothing waits until the volume is marked (docs/limitations.md)."""
    before = container.sibling()
    try:
        done = before.run("sh", "-c", f"sleep 0.5\n{script}", "sh", "init", timeout=SECONDS)
    finally:
        before.remove()
    if done.returncode == 0:
        return execute(container, script)
    container.start("sleep", "600")  # for the control that comes after every workload
    return done


def copy_in_and_out(container, script):
    """kubectl cp: tar at both ends of an exec, with plain files; then the script looks at them."""
    container.start("sleep", "600")
    source, back = f"{container.directory}/source", f"{container.directory}/back"
    os.makedirs(source)
    os.makedirs(back)
    for name in ("app.conf", "table.csv", "page.html"):
        with open(f"{source}/{name}", "w", encoding="utf-8") as file:
            file.write(name * 1000)
    inside = f"{container.runtime} exec {container.id}"
    for place in ("/data", "/srv/copied", "/tmp/copied"):
        container.exec("mkdir", "-p", place, check=True)
        run("sh", "-c", f"tar -C {source} -cf - . | {inside} tar -xmf - -C {place}")
        run("sh", "-c", f"{inside} tar -cf - -C {place} . | tar -C {back} -xf -")
        run("diff", "-r", source, back)
    return container.sh(script)


def many_execs(container, script):
    """The runtime enters the container again and again: by some ways through a memory file."""
    container.start("sleep", "600")
    for _ in range(20):
        container.exec("true", check=True)
    return container.sh(script)
