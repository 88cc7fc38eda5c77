"""The daemon's processes: which they are, what they hold, and signals for them."""
import contextlib
import os
import signal
import time


def _children(daemon):
    """name -> pid of the keeper's children and of the worker's."""
    found = {}
    waiting = [daemon.process.pid]
    while waiting:
        parent = waiting.pop()
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children", encoding="utf-8") as file:
                    children = [int(word) for word in file.read().split()]
                waiting += children
                for child in children:
                    with open(f"/proc/{child}/comm", encoding="utf-8") as comm:
                        found[comm.read().strip()] = child
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def worker(daemon):
    """The worker's pid; None while there is none."""
    return _children(daemon).get("holdfast-worker")


def hold(daemon):
    """The runtime hold's pid."""
    return _children(daemon).get("holdfast-hold")


def kill(pid, number):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


@contextlib.contextmanager
def stopped(*processes):
    """SIGSTOP now, SIGCONT at the end, whatever happens between."""
    try:
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in processes:
            kill(pid, signal.SIGCONT)


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmRSS"].split()[0])


def thread_count(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def descriptors(pid):
    """How many descriptors, and how many fanotify groups and marks among them."""
    held = {"all": 0, "groups": 0, "marks": 0}
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            if os.readlink(f"/proc/{pid}/fd/{number}") == "anon_inode:[fanotify]":
                with open(f"/proc/{pid}/fdinfo/{number}", encoding="utf-8") as info:
                    lines = info.read().splitlines()
                held["groups"] += 1
                held["marks"] += sum(" mask:" in line for line in lines)
            held["all"] += 1
        except FileNotFoundError:
            continue
    return held


class Sampler:
    """Calls look() again and again during a wait."""

    def __init__(self, look, every=0.1):
        self.look, self.every, self.samples = look, every, []

    def during(self, running):
        while running():
            try:
                self.samples.append(self.look())
            except (FileNotFoundError, ProcessLookupError, KeyError, TypeError):
                pass  # the process was being replaced
            time.sleep(self.every)
        return self.samples
