"""A run of many techniques: without the daemon, or under one policy. They share containers, and the
daemon is started, stopped and started again once for all of them."""
import os
import re
import time
from dataclasses import dataclass, field

import outside
from sandbox import Sandbox, Volumes, attack, batch, parse_batch
from shell import wait_until
from technique import BROKEN, NO_PATH, REFUSED


def path_of(document):
    """The alert's path; what the kernel or a program names at random has one name."""
    path = document["file"].get("path") or NO_PATH
    return re.sub(r"/(#\d+( \(deleted\))?|sed\w{6})$", "/random", path)


@dataclass
class Result:
    code: int
    output: str
    alerts: list = field(default_factory=list)  # documents

    def acts(self, mechanisms=None):
        """What was alerted: (operation, path)."""
        return {(alert["holdfast"]["operation"], path_of(alert)) for alert in self.alerts
                if mechanisms is None or alert["holdfast"].get("mechanism") in mechanisms}


class Phase:
    """`podman`: a function that gives the sandbox; `daemon`: one that is not started yet, or None;
    `profiles`: files of the seccomp profile that the containers are under, for runc and for podman."""

    def __init__(self, directory, lower, techniques, podman, daemon=None, profiles=(None, None)):
        self.directory, self.lower, self.daemon = directory, lower, daemon
        self.profile, self.podman_profile = profiles
        self.techniques, self.podman = techniques, podman
        self.results = {}
        self._containers = []  # (container, the techniques that ran in it)
        self._volumes = []

    def run(self):
        try:
            self._before_daemon()
            for kind in ("plain", "mounted"):
                self._together(kind)
            self._first_millisecond()
            self._volume_restart()
            self._while_down()
            self._read_alerts()
        finally:
            if self.daemon:
                self.daemon.stop()
            for container, _ in self._containers:
                container.remove()
            for volumes in self._volumes:
                volumes.remove()
        return self.results

    def _chosen(self, *names):
        return [technique for technique in self.techniques if technique.name in names]

    def _container(self, kind="plain"):
        mounts = ()
        if kind == "mounted":
            self._volumes.append(Volumes(f"{self.directory}/volumes{len(self._volumes)}"))
            mounts = self._volumes[-1].mounts()
        self._containers.append((Sandbox(f"{self.directory}/bundles", self.lower, mounts,
                                          self.profile), []))
        return self._containers[-1][0]

    def _take(self, container, technique, result):
        self.results[technique.name] = Result(*result)
        next(ran for other, ran in self._containers if other is container).append(technique)

    def _drop(self, container, technique):
        """What `run_file x` will run later. Under the profile it can be refused already."""
        done = container.sh(f"mkdir -p {technique.scratch} && cd {technique.scratch} &&"
                            " cat /app/payload >x && chmod +x x", check=not self.profile)
        if done.returncode != 0:
            refused = "Operation not permitted" in done.stdout
            self._take(container, technique, (REFUSED if refused else BROKEN, done.stdout))
        return done.returncode == 0

    def _before_daemon(self):
        chosen = self._chosen("before_daemon", "during_attach")
        container = self._container().start() if chosen else None
        for technique in self._chosen("before_daemon"):
            self._drop(container, technique)
        attaching = None
        for technique in self._chosen("during_attach"):
            container.sh(f"mkdir -p {technique.scratch}; cd {technique.scratch};"
                         " (/app/during_attach & echo $! >pid; wait $!; echo $? >result)"
                         " >output 2>&1 &"
                         " until [ -e x ]; do sleep 0.01; done", check=True)
            attaching = technique
        if self.daemon:
            self.daemon.start()
        if attaching:
            scratch = f"{container.directory}/upper{attaching.scratch}"
            container.sh(f"kill -USR1 $(cat {attaching.scratch}/pid)", check=True)
            wait_until(lambda: os.path.exists(f"{scratch}/result")
                       and os.path.getsize(f"{scratch}/result"), 30, "during_attach")
            with open(f"{scratch}/result", encoding="utf-8") as result, \
                    open(f"{scratch}/output", encoding="utf-8") as output:
                self._take(container, attaching, (int(result.read()), output.read()))
        for technique in self._chosen("before_daemon"):
            self._take(container, technique, attack(container, technique)[technique.name])

    def _together(self, kind):
        here = [technique for technique in self.techniques
                if technique.container == kind and technique.group != "time"]
        if not here:
            return
        container = self._container(kind).start()
        inside = [technique for technique in here if not technique.host]
        if inside:
            results = attack(container, *inside)
            for technique in inside:
                self._take(container, technique, results[technique.name])
        for technique in here:
            if technique.host:
                self._take(container, technique,
                           getattr(outside, technique.host)(container, technique))

    def _first_millisecond(self):
        for technique in self._chosen("first_millisecond"):
            container = self._container()
            done = container.run("/bin/sh", "-c", batch([technique]))
            self._take(container, technique, parse_batch(done.stdout)[technique.name])

    def _volume_restart(self):
        for technique in self._chosen("volume_restart"):
            # What a restart is, an engine knows: the runtime alone only sees another container.
            volume = f"{self.directory}/podman-volume"
            os.makedirs(volume, exist_ok=True)
            podman = self.podman()
            options = ["--security-opt", f"seccomp={self.podman_profile}"] if self.profile else []
            container = podman.start("-v", f"{volume}:{technique.directory}", *options)
            self._containers.append((container, []))
            if self._drop(container, technique):
                podman("restart", "-t", "0", container.id)
                self._take(container, technique, attack(container, technique)[technique.name])

    def _while_down(self):
        for technique in self._chosen("while_down"):
            # Under the profile nothing is started in a container while the daemon is down, and no
            # mode is changed: a process that is there already makes the file.
            by_itself = (f"until [ -e /tmp/go ]; do sleep 0.1; done; mkdir -p {technique.scratch};"
                         f" cp /app/payload {technique.scratch}/x; : >/tmp/gone; exec sleep 86400")
            container = self._container().start(*(["sh", "-c", by_itself] if self.profile else []))
            if self.daemon:
                self.daemon.stop()
            if self.profile:
                inside = f"/proc/{container.pid()}/root/tmp"
                with open(f"{inside}/go", "w", encoding="utf-8"):
                    wait_until(lambda: os.path.exists(f"{inside}/gone"), 10, "the file to be made")
            else:
                self._drop(container, technique)
            if self.daemon:
                self.daemon.start()
            self._take(container, technique, attack(container, technique)[technique.name])

    def _read_alerts(self):
        if not self.daemon:
            return
        time.sleep(1.5)  # alerts are written after the answer, and repeats after a second
        documents = [document for document in self.daemon.documents() if "file" in document]
        for container, techniques in self._containers:
            own = [document for document in documents
                   if document.get("container", {}).get("id") == container.id]
            for technique in techniques:
                self.results[technique.name].alerts = [
                    document for document in own
                    if technique.owns(path_of(document), document["process"].get("executable"))]
