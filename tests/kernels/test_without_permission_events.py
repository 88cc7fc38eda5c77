"""A kernel without CONFIG_FANOTIFY_ACCESS_PERMISSIONS, which no distribution has: built for this test, booted with
an initramfs alone."""
import json
import subprocess

import pytest

import guest

OPTION = "CONFIG_FANOTIFY_ACCESS_PERMISSIONS"


@pytest.fixture(scope="module")
def lacking(build):
    done = subprocess.run([f"{guest.HERE}/make-kernel", guest.CACHE, f"{guest.HERE}/without-permission-events.config"],
                          capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr
    return guest.boot(done.stdout.strip(), None, f"{build}/portable/holdfast")


def test_the_probe_says_exactly_that(lacking):
    step = lacking["bare_probe"]
    assert step.status == 1, step.output
    document = json.loads(step.output)
    assert not document["can_enforce"]
    assert document["tried"]["permission_events"]["remedy"] == f"the kernel needs {OPTION}"


def test_run_says_it_in_a_line(lacking):
    step = lacking["bare_run"]
    assert step.status == 2, step.output
    assert len(step.output.splitlines()) == 1 and OPTION in step.output, step.output
