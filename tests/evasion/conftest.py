"""The evasion tests use the fixtures of the end-to-end tests, and end with a table of the techniques.
HOLDFAST_EVASION_RUNS: how often each is tried under block (1)."""
import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

import fixtures  # noqa: E402
from fixtures import *  # noqa: E402,F401,F403

from catalogue import TECHNIQUES  # noqa: E402
from phase import Phase  # noqa: E402
from profiles import ENGINE_PROFILE, write_profile  # noqa: E402
from sandbox import build_image  # noqa: E402

RUNS = int(os.environ.get("HOLDFAST_EVASION_RUNS", "1"))
# The first test waits for a whole phase.
fixtures.TEST_SECONDS = 240 * RUNS
ROWS = {}  # name -> what the table says of it


@pytest.fixture(scope="session")
def chosen(request):
    """The techniques that are tested: with -k, only they are run."""
    names = {item.callspec.params["technique"].name for item in request.session.items
             if "technique" in getattr(getattr(item, "callspec", None), "params", {})}
    return [technique for technique in TECHNIQUES if technique.name in names]


@pytest.fixture(scope="session")
def image(work, build, targets):
    return build_image(f"{work}/image", [*targets, f"{build}/tests/faults/stalling_fuse"])


@pytest.fixture(scope="session")
def run_phase(request, work, image, chosen, binary):
    """run_phase(policy or None, under the seccomp profile or not): name -> Result."""
    def run_it(policy=None, profile=False):
        directory = tempfile.mkdtemp(prefix="phase.", dir=work)
        daemon, profiles, techniques = None, (None, None), chosen
        if policy:
            settings = f"{directory}/settings.yml"
            with open(settings, "w", encoding="utf-8") as file:
                file.write(f"podman_storage: [{work}/podman/storage]\nunmanaged: as-policy\n")
            daemon = fixtures.Daemon(binary, f"{directory}/state", "--config", settings,
                                     "--policy", policy)
        if profile:
            rules = ("--rules", "all")
            profiles = (write_profile(binary, directory, daemon, *rules),
                        write_profile(binary, directory, daemon, "--base", ENGINE_PROFILE, *rules,
                                      name="podman"))
            techniques = [technique for technique in chosen if not technique.no_profile]
        try:
            return Phase(directory, image, techniques, lambda: request.getfixturevalue("podman"),
                         daemon, profiles).run()
        finally:
            if daemon:
                daemon.kill()
            shutil.rmtree(directory, ignore_errors=True)
    return run_it


@pytest.fixture(scope="session")
def without_daemon(run_phase):
    return run_phase()


@pytest.fixture(scope="session")
def under_block(run_phase, without_daemon, block_policy):
    """One dictionary a run. The one without the daemon comes first: if an attack does not work at
    all, the other runs say nothing."""
    return [run_phase(block_policy) for _ in range(RUNS)]


@pytest.fixture(scope="session")
def under_profile(run_phase, without_daemon, block_policy):
    return run_phase(block_policy, profile=True)


@pytest.fixture(scope="session")
def under_alert(run_phase, default_policy):
    return run_phase(default_policy)


def pytest_terminal_summary(terminalreporter):
    if not ROWS:
        return
    rows = [("GROUP", "TECHNIQUE", "EXPECTED", "UNDER BLOCK", "BY", "UNDER THE PROFILE", "ALERT-ONLY"),
            *ROWS.values()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        terminalreporter.write_line("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip())
