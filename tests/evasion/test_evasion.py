"""Every technique of the catalogue tries to run code that is not the image's. Without the daemon it
must succeed, or it would prove nothing; under policies/block.yml it must be refused, and alerted, with
the seccomp profile and without; under policies/default.yml it must succeed, and be alerted as it would be refused."""
import glob
import os

import pytest

import conftest
from catalogue import TECHNIQUES
from containers import REPOSITORY
from report import document
from technique import (EXEC, KILLED, LIMITATION, MEMORY, MOUNTS, NAMESPACES, OPEN, PERMISSIONS, REFUSED,
                       RING, WATCH, WORKED)

RULES_REFUSE = {"seccomp", "memfd_gate"}
HELPERS = {"payload", "victim", "storm"}

each = pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda technique: technique.name)


def told(result):
    """The refusals among the alerts: (mechanism, operation) of each."""
    return {(alert["holdfast"]["mechanism"], alert["holdfast"]["operation"]) for alert in result.alerts
            if alert["holdfast"]["outcome"] in ("blocked", "killed")}


REASONS = {"a mount of the container's own": MOUNTS, "io_uring": RING,
           "a mount or user namespace of its own": NAMESPACES}


def rules_of(result):
    """The profile's rules that refused."""
    alerts = [alert["holdfast"] for alert in result.alerts if alert["holdfast"]["outcome"] == "blocked"]
    return {*(MEMORY for alert in alerts if alert["mechanism"] == "memfd_gate"),
            *(REASONS.get(alert["reason"], PERMISSIONS) for alert in alerts
              if alert["mechanism"] == "seccomp")}


def test_every_program_is_used():
    programs = {os.path.basename(path)[:-2] for path in glob.glob(f"{REPOSITORY}/tests/evasion/*.c")}
    used = {technique.run.split()[0] for technique in TECHNIQUES if not technique.script}
    assert programs - HELPERS == used


def test_documents_are_current():
    """docs/evasion.md is what `make test-evasion` writes, and every limitation is told of."""
    with open(f"{REPOSITORY}/docs/evasion.md", encoding="utf-8") as file:
        assert file.read() == document(), "run: tests/evasion/report.py >docs/evasion.md"
    with open(f"{REPOSITORY}/docs/limitations.md", encoding="utf-8") as file:
        told_of = " ".join(file.read().split())
    for technique in TECHNIQUES:
        if technique.expected == LIMITATION:
            assert technique.limitation and technique.limitation in told_of, technique.name


@each
def test_works_without_daemon(technique, without_daemon):
    result = without_daemon[technique.name]
    assert result.code == WORKED, f"the attack itself does not work: exit {result.code}\n{result.output}"


@each
def test_under_block(technique, under_block):
    results = [run[technique.name] for run in under_block]
    refused = sum(result.code == REFUSED for result in results)
    mechanisms = sorted({mechanism for result in results for mechanism, _ in told(result)})
    count = ("works, see limitations.md" if technique.expected == LIMITATION
             else f"{refused} of {len(results)} refused")
    conftest.ROWS[technique.name] = [technique.group, technique.name, technique.expected, count,
                                     ", ".join(mechanisms) or "-",
                                     "not tried" if technique.no_profile else "-", "-"]
    if technique.expected == LIMITATION:
        assert [result.code for result in results] == [WORKED] * len(results)
        return
    for result in results:
        assert result.code == REFUSED, f"{count}; exit {result.code}\n{result.output}"
        # Every refusal is in the alert log.
        assert told(result), f"refused, but not alerted: {result.alerts}"
        outcomes = {alert["holdfast"]["outcome"] for alert in result.alerts}
        assert technique.expected == KILLED or "killed" not in outcomes
        for mechanism, operation in told(result):
            assert mechanism in technique.by and operation in technique.operations, told(result)


@pytest.mark.parametrize("technique", [one for one in TECHNIQUES if not one.no_profile],
                         ids=lambda technique: technique.name)
def test_under_profile(technique, under_profile):
    """Nothing runs that is refused without the profile, and its own calls refuse before the run."""
    result = under_profile[technique.name]
    rules = rules_of(result)
    mechanisms = {mechanism for mechanism, _ in told(result)}
    if technique.name in conftest.ROWS:
        conftest.ROWS[technique.name][-2] = ", ".join([*sorted(mechanisms - RULES_REFUSE), *sorted(rules)]) or "-"
    if technique.expected == LIMITATION:
        assert result.code == WORKED, f"docs/evasion.md says that it works: {result.output}"
        return
    assert result.code == REFUSED, f"exit {result.code}\n{result.output}"
    assert mechanisms, f"refused, but not alerted: {result.alerts}"
    assert mechanisms <= {*technique.by, *RULES_REFUSE}
    assert rules == {*technique.profile}, f"refused by {mechanisms}"
    outcomes = {alert["holdfast"]["outcome"] for alert in result.alerts}
    assert technique.expected_under_profile() == KILLED or "killed" not in outcomes
    assert {operation for _, operation in told(result)} <= {*technique.operations}


@each
def test_under_alert_only(technique, under_alert):
    result = under_alert[technique.name]
    acts = sorted({alert["holdfast"]["operation"] for alert in result.alerts})
    if technique.name in conftest.ROWS:
        conftest.ROWS[technique.name][-1] = ", ".join(acts) or "-"
    assert result.code == WORKED, f"alert-only stood in the way: exit {result.code}\n{result.output}"
    assert {alert["holdfast"]["outcome"] for alert in result.alerts} <= {"alerted"}
    if technique.expected != LIMITATION:
        assert set(acts) & set(technique.operations), f"not alerted: {acts}"


@each
def test_alert_only_predicts_block(technique, under_block, under_alert):
    """The same acts, apart from those that the refusal has made impossible. By path: whether a file
    was there before it was written is not known any more when it is closed. The change watch names
    a file as it finds it, before or after a rename: its own alerts are compared by their being."""
    def paths(result, mechanisms=None):
        return {technique.name_under_alert(path) for _, path in result.acts(mechanisms)}

    alerted = paths(under_alert[technique.name])
    runs = paths(under_alert[technique.name], (EXEC, WATCH))
    for run in under_block:
        result = run[technique.name]
        gates = paths(result, (OPEN, EXEC, WATCH))
        assert gates <= alerted, f"only under block: {gates - alerted}"
        assert alerted or not result.acts(), f"only under block: {result.acts()}"
        more = runs - paths(result) - technique.only_alerted()
        assert not more, f"only under alert-only: {more}"
