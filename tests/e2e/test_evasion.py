"""Every program of tests/evasion tries to run code that is not the image's. Without the daemon it
must succeed, or it would prove nothing; under policies/block.yml it must not."""
import glob
import os

import pytest

from containers import REPOSITORY

HELD, RAN = 0, 1
NAMES = sorted(os.path.basename(path)[:-2] for path in glob.glob(f"{REPOSITORY}/tests/evasion/*.c"))
EVASIONS = [name for name in NAMES if name not in ("payload", "victim")]


class TestWithoutDaemon:
    @pytest.mark.parametrize("name", EVASIONS)
    def test_payload_runs(self, name, bundle, lower):
        container = bundle("runc", lower)
        done = container.run(f"/app/{name}")
        container.remove()
        assert done.returncode == RAN, f"the evasion itself does not work: {done.stdout}"


class TestUnderBlock:
    @pytest.mark.parametrize("name", EVASIONS)
    def test_payload_never_runs(self, name, bundle, lower, blocking):
        container = bundle("runc", lower)
        done = container.run(f"/app/{name}")
        assert done.returncode == HELD, f"exit {done.returncode}: {done.stdout}"
        # Promise: every refusal is in the alert log.
        blocking.wait_alert(container.id, outcome="blocked")
        container.remove()
