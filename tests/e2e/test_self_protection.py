"""What a hostile container tries against the daemon itself: reach it, crash it, stall it, forge its
log."""
import os
import stat

import pytest

from containers import CAPABILITIES, image_tree
from expect import assert_refused
from shell import wait_until

HOSTILE = 'quote" back\\slash\nnew line\r\x1b[31m\x01 ünïcode'
DEEP = 'cd /tmp; i=0; while [ $i -lt 60 ]; do mkdir {name}; cd {name}; i=$((i+1)); done; '


@pytest.fixture(scope="module")
def oci_state(work):
    """A directory of runtimes' state files that the daemon reads beside the usual ones."""
    return f"{work}/oci-state"


@pytest.fixture(scope="module")
def settings(work, oci_state):
    path = f"{work}/self-protection.yml"
    os.makedirs(oci_state)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"oci_state: [{oci_state}]\nunmanaged: as-policy\n")
    return path


@pytest.fixture(scope="module")
def attacker(bundle, lower, blocking):
    """Root with what a privileged container has, in pid and mount namespaces of its own."""
    return bundle("runc", lower, capabilities=[*CAPABILITIES, "CAP_SYS_PTRACE"],
                  devices=["/dev/fuse"]).start()


@pytest.fixture(autouse=True)
def still_works(request, blocking, bundle, lower):
    """After each attack the same daemon still refuses in another container, and its log is sound."""
    yield
    if not blocking.process or blocking.process.poll() is not None:
        pytest.fail(f"the daemon is gone:\n{blocking.log()}")
    other = bundle("runc", lower).start()
    assert_refused(other.exec("cp", "/bin/busybox", "/tmp/x"))
    blocking.wait_alert(other.id, "createExecutable", "/tmp/x")
    other.remove()
    assert blocking.status()["containers"]


class TestReach:
    def test_no_process_of_the_daemon_is_seen(self, attacker):
        names = attacker.sh("cat /proc/[0-9]*/comm").stdout
        assert "sleep" in names and "holdfast" not in names

    def test_its_pid_names_nobody(self, attacker, blocking):
        pids = f"{blocking.process.pid} {blocking.status()['worker']['pid']}"
        done = attacker.sh(f"kill -9 {pids}")
        assert done.returncode != 0 and "No such process" in done.stdout

    def test_killing_everything_does_not_reach_it(self, bundle, lower, blocking):
        container = bundle("runc", lower).start()
        container.sh("kill -9 -1")
        assert blocking.process.poll() is None
        assert blocking.status()["worker"]["restarts"] == 0
        container.remove()

    def test_its_files_are_not_there(self, attacker, blocking, binary):
        for path in (blocking.state_dir, f"{blocking.state_dir}/control.sock", binary):
            assert attacker.exec("ls", path).returncode != 0, path
        for root in ("/proc/1/root", "/proc/self/root/.."):
            assert attacker.exec("ls", f"{root}{blocking.state_dir}").returncode != 0

    def test_only_root_of_the_host_may_talk_to_it(self, blocking):
        mode = os.stat(f"{blocking.state_dir}/control.sock").st_mode
        assert stat.S_IMODE(mode) & 0o077 == 0

    def test_it_is_confined(self, blocking):
        worker = blocking.status()["worker"]["pid"]
        with open(f"/proc/{worker}/status", encoding="utf-8") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
        # SYS_MODULE, SYS_RAWIO, NET_ADMIN, SYS_CHROOT, SYS_BOOT
        for bit in (16, 17, 12, 18, 22):
            assert not int(fields["CapPrm"], 16) >> bit & 1
            assert not int(fields["CapBnd"], 16) >> bit & 1


class TestNames:
    @pytest.mark.parametrize("runtime", ["runc", "crun"])
    def test_hostile_annotations(self, bundle, lower, blocking, runtime, tmp_path):
        os.mkfifo(tmp_path / "config.json")  # would hold whoever opens it, as it does runc exec
        annotations = {
            "io.kubernetes.cri.image-name": HOSTILE, "io.kubernetes.cri.container-name": HOSTILE,
            "io.kubernetes.pod.name": HOSTILE, "bundle": str(tmp_path), HOSTILE: HOSTILE,
            "large": "x" * 65536, "io.kubernetes.pod.namespace": "y" * 65536}
        container = bundle(runtime, lower, annotations=annotations).start(
            "/bin/sh", "-c", "cp /bin/busybox /tmp/x; sleep 600")
        alert = blocking.wait_alert(container.id, "createExecutable", "/tmp/x")
        assert "new line" in alert["orchestrator"]["resource"]["name"]
        lines = blocking.log().splitlines()
        assert [line for line in lines if "\x1b" in line or "\x01" in line] == []
        assert [line for line in lines if not line[:4].isdigit()] == [], "a forged line"
        container.remove()

    @pytest.mark.parametrize("state", [
        b'{"annotations": {"a": "\xff\xfe\x80"}, "bundle": "\xff/../..", "rootfs": "\xc0\xaf"}',
        b'{"config": {"labels": [' + b'"bundle=/proc/self/fd/0",' * 5000 + b'""]}}',
        b"[" * 200000,
        b'{"created": "9999999-99-99T99:99:99Z", "bundle": 7, "config": [], "annotations": "x"}',
        b"\0" * 4096,
    ], ids=["invalid UTF-8", "many labels", "deep", "wrong types", "zero bytes"])
    def test_hostile_runtime_state(self, blocking, bundle, lower, oci_state, state):
        """An overlay that no runtime claims: every runtime's state files are asked about it."""
        os.makedirs(f"{oci_state}/hostile", exist_ok=True)
        with open(f"{oci_state}/hostile/state.json", "wb") as file:
            file.write(state)
        container = bundle("runc", lower)
        container.mount()
        wait_until(lambda: f"covering {container.id}" in blocking.log(), 5, "the cover")
        container.remove()


class TestFiles:
    def test_a_file_name_with_any_bytes(self, attacker, blocking):
        names = ["a\nb", 'q"uote\\', "\x1b[2J", "\udcff\udcfe"]
        for name in names:
            assert_refused(attacker.exec("cp", "/bin/busybox", f"/tmp/{name}"))
        for path in ("/tmp/a\nb", '/tmp/q"uote\\', "/tmp/\x1b[2J", "/tmp/\ufffd\ufffd"):
            blocking.wait_alert(attacker.id, "createExecutable", path)

    def test_a_path_longer_than_path_max(self, attacker, blocking):
        before = len(blocking.alerts(attacker.id))
        done = attacker.sh(DEEP.format(name="d" * 200) + "cp /bin/busybox x; cp /bin/busybox x && ./x")
        assert_refused(done)
        assert len(blocking.alerts(attacker.id)) >= before

    def test_fifos_devices_and_links(self, attacker):
        done = attacker.sh(
            "cd /tmp; mkfifo fifo; mknod zero c 1 5; mknod disk b 7 0; ln -s loop loop;"
            "chmod 755 fifo zero; (timeout 1 cat fifo; timeout 1 ./fifo; ./zero; cat loop; ./loop;"
            "head -c 1 zero; echo x | timeout 1 tee fifo; echo x >loop) 2>&1; echo end", timeout=20)
        assert done.stdout.rstrip().endswith("end"), done.stdout

    def test_a_directory_swapped_for_a_link_to_proc(self, attacker):
        """A path that was a directory at the event leads into /proc when the daemon looks."""
        done = attacker.sh(
            "cd /tmp; mkdir -p swap; (i=0; while [ $i -lt 150 ]; do mv swap s2; ln -s /proc/1/root swap;"
            "rm swap; mv s2 swap; i=$((i+1)); done) & i=0; while [ $i -lt 30 ]; do"
            " cp /bin/busybox swap/x 2>/dev/null && swap/x true && echo RAN; i=$((i+1)); done; wait; echo end",
            timeout=60)
        assert "RAN" not in done.stdout and "end" in done.stdout, done.stdout

    def test_own_descriptors(self, attacker, blocking):
        assert_refused(attacker.sh("cp /bin/busybox /proc/self/cwd/tmp/own"))
        blocking.wait_alert(attacker.id, "createExecutable", "/tmp/own")
        attacker.sh("exec 3>/tmp/data; cat /bin/busybox >/proc/self/fd/3; chmod 755 /tmp/data")
        assert_refused(attacker.exec("/tmp/data", "true"))

    def test_a_root_on_fuse_whose_server_is_dead(self, bundle, work, build, targets, blocking):
        """Nobody answers below /tmp/dead; a process of the container makes it its root."""
        lower = image_tree(f"{work}/lower-dead", [*targets, f"{build}/tests/e2e/dead_fuse_root"])
        container = bundle("runc", lower, devices=["/dev/fuse"]).start("/app/dead_fuse_root")
        other = bundle("runc", lower).start()  # new mounts: the daemon looks at all containers
        assert_refused(other.exec("cp", "/bin/busybox", "/tmp/x"))
        wait_until(lambda: "its root is on fuse" in blocking.log(), 5, "the look at the dead root")
        container.remove()
        other.remove()
