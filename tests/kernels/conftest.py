"""Fixtures of the tests on other kernels: each kernel is booted once, for all its tests."""
import concurrent.futures
import os
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import guest  # noqa: E402
import table  # noqa: E402
from disk import REPOSITORY, make_disk  # noqa: E402

KERNELS = guest.KERNELS if os.environ.get("HOLDFAST_LONG") else guest.KERNELS[:2]
# Its kernel has to be built first.
collect_ignore = [] if os.environ.get("HOLDFAST_LONG") else ["test_without_permission_events.py"]
REPORTS = {}  # kernel's name -> report


def pytest_addoption(parser):
    parser.addoption("--build", default=f"{REPOSITORY}/build", help="the directory that make built into")


@pytest.fixture(scope="session")
def build(request):
    return os.path.abspath(request.config.getoption("--build"))


@pytest.fixture(scope="session")
def reports(build, request):
    """Kernel -> future of its report: as many at a time as there are processors."""
    chosen = {item.callspec.params["report"] for item in request.session.items
              if "report" in getattr(getattr(item, "callspec", None), "params", {})}
    with tempfile.TemporaryDirectory(prefix="holdfast-disk.", dir="/var/tmp") as directory, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        disk = make_disk(directory, build)
        yield {kernel: pool.submit(guest.boot, guest.fetch(kernel), disk, f"{build}/portable/holdfast")
               for kernel in KERNELS if kernel in chosen}


@pytest.fixture(scope="session", params=KERNELS, ids=lambda kernel: kernel.name)
def report(request, reports):
    REPORTS[request.param.name] = reports[request.param].result()
    return REPORTS[request.param.name]


def pytest_terminal_summary(terminalreporter, exitstatus):
    if not REPORTS:
        return
    text = table.document(REPORTS)
    terminalreporter.write_line("\n".join(line for line in text.splitlines() if line.startswith("|")))
    if exitstatus == 0 and len(REPORTS) == len(guest.KERNELS):  # a page of passed tests alone
        with open(f"{REPOSITORY}/docs/kernels.md", "w", encoding="utf-8") as file:
            file.write(text)
