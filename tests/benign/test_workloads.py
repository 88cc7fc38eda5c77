"""Real workloads: nothing is refused and nothing told of, with a documented recipe where one is
needed; and what is told of under alert-only is what is told of under block."""
import json
import os
import re
import time

import pytest

from container import WorkloadContainer
from policies import RECIPES
from shell import run
from workloads import WORKLOADS

CONTROL = "/srv/control"  # an executable that is created in the end: was the container covered?
RUNTIMES = {"block": "runc", "alert": "crun"}
QUICK = os.environ.get("HOLDFAST_QUICK") == "1"
CHOSEN = [workload for workload in WORKLOADS if workload.quick or not QUICK]
# Parts of names that are drawn anew in every run.
DRAWN = re.compile(r"(?<=_MEI|tmp/)\w{6,}(?=/)|\d{4,}")


class Performance:
    """One workload under one policy, to its end: what it returned, and the alerts."""

    def __init__(self, daemon, container, workload, kind):
        self.daemon = daemon
        self.done = workload.driver(container, workload.text())
        copied = container.exec("cp", "/usr/bin/true", CONTROL)
        assert (copied.returncode == 0) == (kind == "alert"), f"not covered? {copied.stdout}"
        daemon.wait_alert(container.id, path=CONTROL, outcome=f"{kind}ed")
        time.sleep(0.2)  # what happened before may be written after it
        self.alerts = [alert for alert in daemon.documents()
                       if alert.get("file", {}).get("path") != CONTROL]

    def acts(self):
        return {(alert["holdfast"]["operation"], DRAWN.sub("*", alert["file"]["path"]))
                for alert in self.alerts if "file" in alert}

    def outcomes(self):
        return {alert["holdfast"]["outcome"] for alert in self.alerts}

    def __str__(self):
        alerts = "\n".join(json.dumps(alert) for alert in self.alerts)
        return (f"exit {self.done.returncode}\n{self.done.stdout}\nalerts:\n{alerts}\n"
                f"daemon:\n{self.daemon.log()}")


@pytest.fixture
def perform(make_daemon, policy, image, work):
    containers = []

    def run_under(workload, kind, recipe):
        daemon = make_daemon(policy(kind, recipe))
        container = WorkloadContainer(RUNTIMES[kind], f"{work}/bundles", image, workload,
                                      f"{work}/volumes/{workload.name}-{kind}-{recipe}")
        containers.append(container)
        performance = Performance(daemon, container, workload, kind)
        container.remove()
        daemon.stop()
        return performance
    yield run_under
    for container in containers:
        container.remove()


def with_recipe(workloads):
    return [workload for workload in workloads if workload.recipe]


@pytest.mark.parametrize("kind", RUNTIMES)
@pytest.mark.parametrize("workload", CHOSEN, ids=lambda workload: workload.name)
def test_nothing_is_refused_or_told_of(workload, kind, perform):
    performance = perform(workload, kind, workload.recipe)
    assert performance.done.returncode == 0, str(performance)
    assert performance.alerts == [], str(performance)


@pytest.mark.parametrize("workload", with_recipe(CHOSEN), ids=lambda workload: workload.name)
def test_the_recipe_is_needed(workload, perform):
    """Without it the workload is told of and refused, and alert-only foretells all that is refused.
    Under block it ends there or goes on in another way, so that the rest cannot be compared."""
    foretold, refused = perform(workload, "alert", ""), perform(workload, "block", "")
    both = f"under alert:\n{foretold}\nunder block:\n{refused}"
    assert foretold.done.returncode == 0, both
    assert foretold.outcomes() == {"alerted"}, both
    assert "blocked" in refused.outcomes(), both
    assert refused.outcomes() <= {"blocked", "alerted"}, both
    assert refused.acts() <= foretold.acts(), both


def test_every_recipe_is_tested():
    assert {workload.recipe for workload in with_recipe(WORKLOADS)} == set(RECIPES)


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe_is_valid(recipe, policy, binary):
    assert run(binary, "check", policy("block", recipe)).stdout == ""
