"""Policies change all the time, workers die in between, and a policy file is bad."""
import os
import signal
import time

from conftest import LONG, lost_alerts
from processes import kill, worker
from shell import stuck_processes, wait_until

POLICY = """file:
  selectors:
    - {name: NAME, operation: [createExecutable, modifyExecutable]}
  responses:
    - {match: [NAME], actions: [alert, block]}
"""


def write(path, text):
    """As an administrator's tool does it: never half a file."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(f"{path}.new", path)


def test_reload_under_load(make_daemon, policy_file, loaded, load, assert_kept, table):
    path = policy_file(POLICY.replace("NAME", "one"))
    container = loaded()
    daemon = make_daemon(path)
    running = load(container, 4, 60 if LONG else 4)
    time.sleep(0.3)
    reloads = kills = 0
    while running.running():
        write(path, POLICY.replace("NAME", ("one", "two")[reloads % 2]))
        daemon.process.send_signal(signal.SIGHUP)
        reloads += 1
        if reloads % 10 == 0:
            kills += bool(worker(daemon) and kill(worker(daemon), signal.SIGKILL))
        time.sleep(0.1)
    counts = running.counts()
    assert_kept(counts)
    selectors = {name for alert in daemon.alerts(container.id)
                 for name in alert["cloud_defend"]["matched_selectors"]}
    table("reload every 100 ms, worker killed every second", f"{reloads}, {kills}",
          f"{counts['image_ran']} image runs, {counts['drift_refused']} drifted refused",
          counts["longest_ms"], len(stuck_processes()), lost_alerts(daemon))
    assert selectors == {"one", "two"}
    assert daemon.status()["worker"]["restarts"] == kills


def test_bad_policy_and_a_new_worker(make_daemon, policy_file, loaded, load, assert_kept, table):
    """What was in force stays in force, though the worker that knew it is gone."""
    path = policy_file(POLICY.replace("NAME", "one"))
    container = loaded()
    daemon = make_daemon(path)
    write(path, POLICY.replace("NAME", "two"))
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: daemon.log().count("policy: executables") == 2, 5, "the reload")
    write(path, "file: [this is no policy\n")
    kill(worker(daemon), signal.SIGKILL)
    counts = load(container, 2, 1).counts()
    assert_kept(counts)
    status = daemon.status()
    assert status["policy_error"] and status["health"] == "degraded", status
    assert status["worker"]["restarts"] == 1
    alert = daemon.wait_alert(container.id, path="/tmp/drift")
    assert alert["cloud_defend"]["matched_selectors"] == ["two"]
    table("bad policy file and a killed worker", 1, "the last good policy stays",
          counts["longest_ms"], len(stuck_processes()), lost_alerts(daemon))
