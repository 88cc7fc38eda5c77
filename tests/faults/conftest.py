"""The fault tests use the fixtures of the end-to-end tests, and end with a table of what each fault
led to. Short by default; HOLDFAST_LONG=1 runs them at full length."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

import fixtures  # noqa: E402
from fixtures import *  # noqa: E402,F401,F403

LONG = os.environ.get("HOLDFAST_LONG") == "1"
fixtures.TEST_SECONDS = 600 if LONG else 120
_ROWS = []


@pytest.fixture
def table(request):
    """table(fault, injected=…, saw=…, gap_ms=…, stuck=…, lost=…) adds one row."""
    def add(fault, injected, saw, gap_ms, stuck, lost):
        _ROWS.append((fault, str(injected), saw, f"{gap_ms:.0f}", str(stuck), str(lost)))
    return add


def pytest_terminal_summary(terminalreporter):
    if not _ROWS:
        return
    rows = [("FAULT", "INJECTED", "CONTAINER SAW", "GAP MS", "STUCK", "LOST ALERTS"), *_ROWS]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        terminalreporter.write_line("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip())


class Load:
    """exec_load in a container: started, waited for, its counts."""

    def __init__(self, container, processes, seconds):
        script = f"/app/exec_load {processes} {seconds} /app/victim /app/copied /tmp/drift"
        self.process = subprocess.Popen(
            [container.runtime, "exec", container.id, "sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.seconds = seconds

    def running(self):
        return self.process.poll() is None

    def counts(self, patience=60):
        output, _ = self.process.communicate(timeout=self.seconds + patience)
        assert self.process.returncode == 0, output
        return json.loads(output)


@pytest.fixture(scope="session")
def load_lower(work, targets, build):
    """An image with the load, an executable that will be copied up, and room for a drifted one."""
    directory = fixtures.image_tree(f"{work}/load-lower",
                                    [*targets, *glob.glob(f"{build}/tests/faults/*")])
    shutil.copy(f"{directory}/app/victim", f"{directory}/app/copied")
    return directory


@pytest.fixture
def loaded(bundle, load_lower):
    """A factory of containers that are ready for Load; `above`: one more layer of their image."""
    def make(runtime="runc", above=None, **options):
        lower = f"{above}:{load_lower}" if above else load_lower
        container = bundle(runtime, lower, **options).start()
        container.sh("chown 1:1 /app/copied; cat /app/payload >/tmp/drift; chmod 755 /tmp/drift",
                     check=True)
        return container
    return make


@pytest.fixture
def settings_file(work, settings):
    """Writes a settings file with more keys, for `make_daemon(…, settings=…)`."""
    def write(**keys):
        handle, path = tempfile.mkstemp(prefix="settings.", suffix=".yml", dir=work)
        with open(settings, encoding="utf-8") as common, os.fdopen(handle, "w") as file:
            file.write(common.read())
            file.writelines(f"{key}: {value}\n" for key, value in keys.items())
        return path
    return write


@pytest.fixture
def load():
    return Load


def lost_alerts(daemon):
    """How many alerts documents say were lost."""
    return sum(document["holdfast"].get("lost", 0) for document in daemon.documents())


@pytest.fixture
def assert_kept():
    """What holds whatever the fault: nothing drifted ran, image content did, the rest is told."""
    def check(counts):
        print(counts)  # pytest shows it when something below fails
        assert counts["drift_ran"] == 0, counts
        assert counts["image_refused"] == 0 and counts["copied_refused"] == 0, counts
        assert counts["other"] == 0, counts
        assert counts["image_ran"] > 0 and counts["drift_refused"] > 0, counts
    return check
