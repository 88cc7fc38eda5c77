"""Fixtures of the end-to-end tests. They need root, start real containers and the daemon that was
built, and leave nothing behind: everything lives below one directory in /var/tmp."""
import glob
import os
import shutil
import signal
import tempfile

import pytest

from containers import IMAGE, REPOSITORY, Bundle, Podman, image_tree
from daemon import Daemon
from identity import POLICY
from shell import run, stuck_processes

TEST_SECONDS = 240  # no single test takes longer, whatever hangs


def pytest_addoption(parser):
    parser.addoption("--build", default=os.path.join(REPOSITORY, "build"),
                     help="the directory that make built into")


def pytest_configure():
    # Ended from outside (timeout, CI), the fixtures still clean up, as after Ctrl-C.
    def ended(signum, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, ended)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    def late(signum, frame):
        raise TimeoutError(f"{item.nodeid} took more than {TEST_SECONDS} s")
    signal.signal(signal.SIGALRM, late)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    # A skipped test proves nothing, so none may be skipped where the result counts.
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome, report.longrepr = "failed", f"skipped under CI: {report.longrepr}"
    if report.failed:
        for daemon in Daemon.running:
            report.sections.append(("daemon", daemon.report()))


@pytest.fixture(scope="session")
def build(request):
    directory = os.path.abspath(request.config.getoption("--build"))
    assert os.access(f"{directory}/holdfast", os.X_OK), f"{directory}/holdfast is not built"
    return directory


@pytest.fixture(scope="session")
def binary(build):
    return os.path.join(build, "holdfast")


@pytest.fixture(scope="session")
def targets(build):
    """The programs of tests/evasion."""
    found = sorted(glob.glob(f"{build}/tests/evasion/*"))
    assert found, f"no test programs in {build}/tests/evasion: run make targets"
    return found


@pytest.fixture(scope="session", autouse=True)
def no_process_hangs():
    """After all tests, no process waits for an answer that nobody will give."""
    yield
    stuck = stuck_processes()
    assert stuck == [], f"processes that hang: {stuck}"


@pytest.fixture(scope="session")
def work(no_process_hangs):
    directory = tempfile.mkdtemp(prefix="holdfast-e2e.", dir="/var/tmp")
    os.chmod(directory, 0o755)
    yield directory
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        left = [line.split()[4] for line in mounts if line.split()[4].startswith(f"{directory}/")]
    for mount in reversed(left):
        run("umount", "-l", mount, check=False)
    shutil.rmtree(directory)
    assert left == [], f"mounts left behind: {left}"


@pytest.fixture(scope="session")
def podman(work, targets):
    sandbox = Podman(f"{work}/podman")
    try:
        sandbox.image(IMAGE, targets)
        yield sandbox
    finally:
        sandbox.remove()


@pytest.fixture(scope="session")
def podman_vfs(work, targets):
    sandbox = Podman(f"{work}/podman-vfs", driver="vfs")
    try:
        sandbox.image(IMAGE, [name for name in targets if name.endswith(("payload", "victim"))])
        yield sandbox
    finally:
        sandbox.remove()


@pytest.fixture(scope="session")
def lower(work, targets):
    return image_tree(f"{work}/lower", targets)


@pytest.fixture(scope="session")
def watched_lower(work, targets, build):
    return image_tree(f"{work}/watched", [*targets, f"{build}/tests/e2e/exec_window"])


@pytest.fixture(scope="session")
def host_root(work):
    """A Debian root with python, dpkg and GNU tools, made of this machine's own packages."""
    directory = f"{work}/debian"
    run(f"{REPOSITORY}/scripts/host-rootfs", directory, *(
        "python3-minimal libpython3.11-stdlib dash bash coreutils dpkg tar sed grep findutils "
        "libc-bin diffutils debianutils"
    ).split())
    return directory


@pytest.fixture(scope="module")
def bundle(work, podman):
    """A factory of bare containers. The podman sandbox has made the machine fit for crun."""
    made = []

    def make(runtime, lower_directory, **options):
        made.append(Bundle(runtime, f"{work}/bundles", lower_directory, **options))
        return made[-1]
    yield make
    for container in made:
        container.remove()


@pytest.fixture
def start(bundle, watched_lower):
    """Starts a container with tests/e2e/exec_window.c; it is removed with the module."""
    def started(runtime="runc"):
        return bundle(runtime, watched_lower).start()
    return started


@pytest.fixture(scope="module")
def settings(work):
    """A settings file that tells where the tests' podman keeps its containers."""
    path = f"{work}/settings.yml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"podman_storage: [{work}/podman/storage, {work}/podman-vfs/storage]\n"
                   "unmanaged: as-policy\n")  # bundles that runc and crun run alone
    return path


class DaemonFactory:
    """Makes daemons; all that still run at the end must stop as they should."""

    def __init__(self, binary, work, settings):
        self.binary, self.work, self.settings, self.made = binary, work, settings, []

    def __call__(self, *policies, start=True, arguments=(), state_dir=None, settings=None,
                 **options):
        state_dir = state_dir or tempfile.mkdtemp(prefix="state.", dir=self.work)
        flags = [word for policy in policies for word in ("--policy", policy)]
        daemon = Daemon(self.binary, state_dir, "--config", settings or self.settings, *flags,
                        *arguments, **options)
        self.made.append(daemon)
        if start:
            # Each covers every container: two at once would judge each other's.
            assert not Daemon.running, "another daemon of the tests still runs"
            daemon.start()
        return daemon

    def stop_all(self):
        failures = []
        for daemon in self.made:
            try:
                daemon.stop()
            except AssertionError as failure:
                failures.append(str(failure))
        assert failures == []


@pytest.fixture
def make_daemon(binary, work, settings):
    factory = DaemonFactory(binary, work, settings)
    yield factory
    factory.stop_all()


@pytest.fixture(scope="session")
def block_policy():
    return os.path.join(REPOSITORY, "policies/block.yml")


@pytest.fixture(scope="session")
def default_policy():
    return os.path.join(REPOSITORY, "policies/default.yml")


@pytest.fixture(scope="module")
def blocking(binary, work, settings, block_policy):
    """One daemon under policies/block.yml for all tests of a module."""
    factory = DaemonFactory(binary, work, settings)
    try:
        yield factory(block_policy)
    finally:
        factory.stop_all()


@pytest.fixture(scope="session")
def policy_file(work):
    def write(text):
        handle, path = tempfile.mkstemp(prefix="policy.", suffix=".yml", dir=work)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return path
    return write


@pytest.fixture
def daemon_for(make_daemon, policy_file, work):
    """daemon_for(condition, key=value…): under identity.POLICY of that condition, with these settings."""
    def start(condition, **keys):
        handle, path = tempfile.mkstemp(prefix="identity.", suffix=".yml", dir=work)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"podman_storage: [{work}/podman/storage]\n")
            file.writelines(f"{key}: {value}\n" for key, value in keys.items())
        return make_daemon(policy_file(POLICY.format(condition=condition)), settings=path)
    return start
