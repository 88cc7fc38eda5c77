"""Fixtures of the tests on other kernels: each kernel is booted once, for all its tests."""
import os
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import guest  # noqa: E402
from disk import REPOSITORY, make_disk  # noqa: E402

LONG = bool(os.environ.get("HOLDFAST_LONG"))


def pytest_addoption(parser):
    parser.addoption("--build", default=f"{REPOSITORY}/build", help="the directory that make built into")


@pytest.fixture(scope="session")
def build(request):
    return os.path.abspath(request.config.getoption("--build"))


@pytest.fixture(scope="session")
def disk(build):
    with tempfile.TemporaryDirectory(prefix="holdfast-disk.", dir="/var/tmp") as directory:
        yield make_disk(directory, build)


@pytest.fixture(scope="session", params=guest.KERNELS if LONG else guest.KERNELS[:2], ids=lambda kernel: kernel.name)
def report(request, build, disk):
    return guest.boot(guest.fetch(request.param), disk, f"{build}/portable/holdfast")
