"""metrics.sock: what a scraper and a kubelet's probe get."""
import http.client
import os
import re
import socket
import stat
import time

from expect import DROP_AND_RUN, assert_refused

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"\})? \d+')


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


def get(daemon, target):
    connection = Connection(f"{daemon.state_dir}/metrics.sock")
    connection.request("GET", target)
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_metrics_count_and_health_answers(make_daemon, block_policy, bundle, lower):
    daemon = make_daemon(block_policy)
    container = bundle("runc", lower).start()
    assert_refused(container.sh(DROP_AND_RUN.format(path="/tmp/x")))
    daemon.wait_alert(container.id, "createExecutable", "/tmp/x")
    status, text = get(daemon, "/metrics")
    assert status == 200
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert samples and all(map(LINE.fullmatch, samples)), samples
    values = dict(sample.rsplit(" ", 1) for sample in samples)
    assert int(values["holdfast_refused_total"]) >= 1
    assert int(values["holdfast_alerts_written_total"]) >= 1
    assert values['holdfast_containers{coverage="full"}'] >= "1"
    assert values["holdfast_policy_last_reload_successful"] == "1"
    assert get(daemon, "/healthz") == (200, daemon.status()["health"] + "\n")
    assert get(daemon, "/readyz") == (200, "ready\n")
    assert get(daemon, "/other")[0] == 404
    mode = os.stat(f"{daemon.state_dir}/metrics.sock").st_mode
    assert stat.S_IMODE(mode) == 0o700, oct(mode)
    container.remove()


def test_a_client_that_says_nothing_holds_nobody_up_for_long(make_daemon, block_policy):
    daemon = make_daemon(block_policy)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(f"{daemon.state_dir}/metrics.sock")
        begin = time.monotonic()
        assert daemon.status()["health"]  # another socket, another thread
        assert time.monotonic() - begin < 2
        assert get(daemon, "/healthz")[0] == 200
        assert time.monotonic() - begin < 6
