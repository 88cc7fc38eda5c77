"""The daemon under test: started, waited for, its alerts read, stopped, its stop checked."""
import json
import os
import signal
import subprocess
import time

from shell import run, wait_until


class Daemon:
    running = []  # for the report of a failed test

    def __init__(self, binary, state_dir, *arguments, prefix=(), env=None):
        self.state_dir = state_dir
        os.makedirs(state_dir, exist_ok=True)
        self.log_path = os.path.join(state_dir, "daemon.log")
        self.binary = binary
        self.command = [*prefix, binary, "run", "--state-dir", state_dir, *arguments]
        self.env = {**os.environ, **(env or {})}
        self.process = None

    def start(self):
        offset = len(self.log())
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=self.env)
        Daemon.running.append(self)
        wait_until(lambda: "ready" in self.log()[offset:] or self.process.poll() is not None,
                   15, "the daemon to be ready")
        assert self.process.poll() is None, f"the daemon ended at start:\n{self.log()}"
        return self

    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def documents(self, name="alerts"):
        """Every document of a stream. A line that is no JSON is a failure."""
        path = os.path.join(self.state_dir, f"{name}.ndjson")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def alerts(self, container=None, operation=None, path=None, outcome=None):
        def wanted(document):
            return (
                (container is None or document.get("container", {}).get("id") == container)
                and (operation is None or document["holdfast"].get("operation") == operation)
                and (outcome is None or document["holdfast"]["outcome"] == outcome)
                and (path is None or document.get("file", {}).get("path") == path))
        return [document for document in self.documents() if wanted(document)]

    def wait_alert(self, container, operation=None, path=None, outcome="blocked", timeout=5):
        """The first alert of that description; alerts are written after the answer. What only
        was seen (chmod of a new file, a copy by the host) is told of too, as `alerted`."""
        what = f"an alert: {outcome}, {operation or 'any operation'}, {path or 'any path'}"
        return wait_until(lambda: self.alerts(container, operation, path, outcome), timeout,
                          what)[0]

    def status(self):
        done = run(self.binary, "status", "--json", "--state-dir", self.state_dir, timeout=10)
        return json.loads(done.stdout)

    def stop(self):
        """SIGTERM: exit 0 within 2 s."""
        if self in Daemon.running:
            Daemon.running.remove(self)
        if self.process is None or self.process.poll() is not None:
            return
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the daemon ignored SIGTERM for 10 s\n{self.log()}") from None
        took = time.monotonic() - begin
        assert status == 0, f"exit {status} on SIGTERM\n{self.log()}"
        assert took < 2, f"SIGTERM took {took:.1f} s\n{self.log()}"

    def kill(self):
        """SIGKILL, for the tests of just that and for a daemon that will not stop."""
        if self in Daemon.running:
            Daemon.running.remove(self)
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=10)

    def report(self):
        """The command, the end of its log, and its latest alerts, one short line each."""
        alerts = []
        for document in self.documents()[-30:]:
            told = document["holdfast"]
            alerts.append(" ".join(map(str, (
                document.get("container", {}).get("id", "")[:12], told.get("operation"), told.get("mechanism"),
                told.get("outcome"), document.get("file", {}).get("path"), "by",
                document.get("process", {}).get("name"), document.get("message")))))
        return "\n".join([" ".join(map(str, self.command)), self.log()[-8000:], *alerts])
