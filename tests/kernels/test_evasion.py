"""The programs of tests/evasion on each kernel."""
import pytest

from disk import ATTACKS
from phase import path_of
from sandbox import parse_batch

WORKED, REFUSED = 0, 42  # tests/evasion/evasion.h

# What some kernels do not have; an attack that does not work without a daemon proves nothing.
NOT_EVERYWHERE = {
    "tmpfile_linkat": "O_TMPFILE on overlays: after 6.1",
    "fchmodat2": "6.6",
    "acl_io_uring": "5.19",
    "dev_shm_setattr": "mount_setattr: 5.12",
    "binfmt_misc": "a module that the guest does not have",
}


def is_of(alert, technique):
    """By its path; or, where a mount of its own hides how that begins, by where its process works."""
    process = alert.get("process", {})
    return (technique.owns(path_of(alert), process.get("executable"))
            or f"{process.get('working_directory', '')}/".startswith(f"{technique.scratch}/"))


@pytest.mark.parametrize("technique", ATTACKS, ids=lambda technique: technique.name)
def test_refused_and_alerted(report, technique):
    bare, output = parse_batch(report["evasion.bare"].output)[technique.name]
    if technique.name not in NOT_EVERYWHERE:
        assert bare == WORKED, f"the attack itself does not work: exit {bare}\n{output}"
    covered, output = parse_batch(report["evasion.covered"].output)[technique.name]
    if bare != WORKED:
        assert covered != WORKED, output
        return
    assert covered == REFUSED, f"exit {covered}\n{output}"
    outcomes = {alert["holdfast"]["outcome"] for alert in report.alerts("evasion") if is_of(alert, technique)}
    assert outcomes & {"blocked", "killed"}, f"refused, but not alerted: {outcomes}"


def test_the_daemon_stops(report):
    assert report["evasion.stop"].status == 0, report["evasion.log"].output
