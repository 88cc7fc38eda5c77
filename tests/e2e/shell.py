"""Commands with a time limit, waiting, and a look at what processes are doing."""
import os
import subprocess
import time


class CommandFailed(AssertionError):
    pass


def run(*command, timeout=60, check=True, **options):
    """Runs a command, its output captured as text; a failure or a time-out shows that output."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.STDOUT)
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, timeout=timeout, text=True, errors="replace", **options)
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout.decode(errors="replace") if expired.stdout else ""
        raise CommandFailed(f"not done after {timeout} s: {' '.join(command)}\n{output}") from None
    if check and done.returncode != 0:
        raise CommandFailed(f"exit {done.returncode}: {' '.join(command)}\n{done.stdout}")
    return done


def wait_until(condition, timeout=5, what="the condition", interval=0.02):
    """Returns the first true result of condition()."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(interval)


def _uninterruptible():
    """(pid, context switches) -> name of every process, not a kernel thread, in D state. One that
    waits for child after child (vfork) is often seen in D, but it gets on: its switches count up."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/status", encoding="utf-8", errors="replace") as status:
                fields = dict(line.split(":", 1) for line in status)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields["State"].split()[0] == "D" and fields["PPid"].strip() != "2" and entry != "2":
            found[entry, fields["voluntary_ctxt_switches"].strip()] = fields["Name"].strip()
    return found


def stuck_processes(seconds=1.0):
    """Processes that stay in D state all of that time: waiting for a disk is short."""
    end = time.monotonic() + seconds
    stuck = _uninterruptible()
    while stuck and time.monotonic() < end:
        time.sleep(0.05)
        now = _uninterruptible()
        stuck = {key: name for key, name in stuck.items() if key in now}
    return list(stuck.values())
