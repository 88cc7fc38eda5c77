"""`make demo` is the first thing a user tries."""
import glob
import subprocess

from containers import REPOSITORY
from shell import run


def test_demo(binary):
    before = set(glob.glob("/var/tmp/holdfast-demo.*"))
    done = run(f"{REPOSITORY}/scripts/demo", binary, timeout=120)
    assert done.stdout.count("Operation not permitted") >= 7
    assert '"createExecutable"' in done.stdout  # the document
    assert "differs" not in done.stdout
    assert set(glob.glob("/var/tmp/holdfast-demo.*")) == before


def test_demo_notices_a_daemon_that_does_nothing(work):
    fake = f"{work}/idle-daemon"
    with open(fake, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\necho ready\nexec sleep 60\n")
    subprocess.run(["chmod", "755", fake], check=True)
    done = run(f"{REPOSITORY}/scripts/demo", fake, check=False, timeout=180)
    assert done.returncode == 1, done.stdout
    assert "differs" in done.stdout
