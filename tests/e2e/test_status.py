"""`holdfast status`: what covers each container, once and again and again."""
import json
import select
import subprocess

from containers import IMAGE
from shell import run


def test_the_table_has_a_row_for_each_container(podman, blocking):
    container = podman("run", "-d", "--name", "shown", "--network=none", IMAGE, "sleep",
                       "60").stdout.strip()
    try:
        table = run(blocking.binary, "status", "--state-dir", blocking.state_dir).stdout
        heading, row = [line.split() for line in table.splitlines()
                        if line.startswith("RUNTIME") or container[:12] in line]
        shown = dict(zip(heading, row))
        assert shown["RUNTIME"] == "podman"
        assert shown["POD/NAME"] == "shown"
        assert shown["IMAGE"] == IMAGE
        assert shown["COVERAGE"] == "full"
        assert (shown["CREATE"], shown["MODIFY"], shown["MEMFD"]) == ("block", "block", "kill")
        assert shown["MARKS"] == "overlay"
        assert int(shown["EVENTS"]) > 0  # its first program
        assert (shown["REFUSED"], shown["ALERTED"], shown["KILLED"]) == ("0", "0", "0")
        done = podman("exec", "shown", "cp", "/bin/busybox", "/tmp/x", check=False)
        assert done.returncode != 0, "not refused"
        listed = json.loads(run(blocking.binary, "status", "--json", "--state-dir", blocking.state_dir).stdout)
        events = next(one for one in listed["containers"] if one["id"] == container)["events"]
        assert events["read"] > int(shown["EVENTS"])
        assert (events["refused"], events["alerted"], events["killed"]) == (1, 0, 0)
    finally:
        podman("rm", "-f", "-t0", "shown")


def test_watch_shows_it_again(blocking):
    watch = subprocess.Popen(
        [blocking.binary, "status", "--watch", "--json", "--state-dir", blocking.state_dir],
        stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(2):
            assert select.select([watch.stdout], [], [], 10)[0], "nothing was shown for 10 s"
            assert json.loads(watch.stdout.readline())["health"] == "ok"
    finally:
        watch.terminate()
        watch.wait(timeout=10)
        watch.stdout.close()


def test_watch_of_no_daemon_ends(binary, tmp_path):
    done = run(binary, "status", "--watch", "--state-dir", tmp_path, check=False, timeout=10)
    assert done.returncode == 1
