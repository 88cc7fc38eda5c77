"""A podman container under policies/block.yml: what is refused, what is told, what goes on."""
import pytest

from containers import IMAGE
from expect import DROP_AND_RUN, PAYLOAD_STATUS, REFUSED, assert_blocked_alert, assert_refused


@pytest.fixture(scope="module", params=["runc", "crun"])
def container(request, podman, blocking):
    started = podman.start("--name", f"web-{request.param}", runtime=request.param)
    yield started
    started.remove()


def checksum(container, path):
    return container.exec("sha256sum", path, check=True).stdout


def exists(container, path):
    return container.exec("ls", path).returncode == 0


def test_creation_of_an_executable_is_refused(container, blocking):
    done = container.exec("cp", "/bin/busybox", "/tmp/x")
    assert_refused(done)
    assert not exists(container, "/tmp/x")
    alert = blocking.wait_alert(container.id, "createExecutable", "/tmp/x")
    assert_blocked_alert(alert, "createExecutable", "/tmp/x", "cp")
    name, tag = IMAGE.rsplit(":", 1)
    assert alert["container"]["image"]["name"] == name
    assert tag in alert["container"]["image"]["tag"]
    assert alert["process"]["args"] == ["cp", "/bin/busybox", "/tmp/x"]
    assert alert["process"]["executable"] == "/bin/busybox"


def test_append_to_a_running_image_binary_fails(container):
    before = checksum(container, "/bin/busybox")
    done = container.sh("echo x >> /bin/busybox")
    # Where the kernel itself refuses to write what runs (ETXTBSY), it does so before it asks.
    assert done.returncode != 0
    assert REFUSED in done.stdout or "Text file busy" in done.stdout, done.stdout
    assert checksum(container, "/bin/busybox") == before


def test_plain_files_are_written(container, blocking):
    done = container.sh("echo hi > /tmp/plain && cat /tmp/plain && rm /tmp/plain")
    assert (done.returncode, done.stdout) == (0, "hi\n")
    assert blocking.alerts(container.id, path="/tmp/plain") == []


@pytest.mark.parametrize("name, script, path", [
    ("redirect", DROP_AND_RUN.format(path="/tmp/redirect"), "/tmp/redirect"),
    ("tar", "mkdir -p /tmp/t && tar -C /app -cf /tmp/p.tar payload && tar -C /tmp/t -xf /tmp/p.tar;"
            " /tmp/t/payload", "/tmp/t/payload"),
    ("ln", "cat /app/payload >/tmp/l && chmod +x /tmp/l && ln /tmp/l /usr/bin/linked &&"
           " /usr/bin/linked", "/usr/bin/linked"),
    ("ln -s", "cat /app/payload >/tmp/s && chmod +x /tmp/s && ln -s /tmp/s /usr/bin/symlinked &&"
              " /usr/bin/symlinked", "/tmp/s"),
    ("mv", "cat /app/payload >/tmp/m && chmod +x /tmp/m && mv /tmp/m /usr/local/bin/moved &&"
           " /usr/local/bin/moved", "/usr/local/bin/moved"),
    ("script", "printf '#!/bin/sh\\nexit 77\\n' >/tmp/script && chmod +x /tmp/script &&"
               " /tmp/script", "/tmp/script"),
])
def test_what_was_dropped_does_not_run(container, blocking, name, script, path):
    done = container.sh(script)
    assert done.returncode not in (0, PAYLOAD_STATUS), f"{name}: it ran: {done.stdout}"
    assert_refused(done)
    alert = blocking.wait_alert(container.id, "createExecutable", path)
    assert_blocked_alert(alert, "createExecutable", path)


@pytest.mark.parametrize("act", [
    ": > {path}", "echo x >> {path}", "dd if=/app/payload of={path} conv=notrunc",
    "cat /app/payload > {path}", "truncate -s 1 {path}",
])
def test_modification_is_refused(container, blocking, act):
    path = "/app/hard_link"
    before = checksum(container, path)
    if "truncate" in act:
        path = "/app/payload"
        before = checksum(container, path)
    assert_refused(container.sh(act.format(path=path)))
    assert checksum(container, path) == before
    alert = blocking.wait_alert(container.id, "modifyExecutable", path)
    assert_blocked_alert(alert, "modifyExecutable", path)


def test_overwriting_by_rename_gives_nothing_that_runs(container, blocking):
    path = "/app/rename_over"
    done = container.sh(f"cat /app/payload >/tmp/new && chmod +x /tmp/new && mv /tmp/new {path}"
                        f" && {path}")
    assert_refused(done)
    assert_blocked_alert(blocking.wait_alert(container.id, "modifyExecutable", path),
                         "modifyExecutable", path)


def test_losing_the_x_bit_first_does_not_help(container, blocking):
    path = "/app/acl_execute"
    before = checksum(container, path)
    assert_refused(container.sh(f"chmod -x {path} && echo x >> {path}"))
    assert checksum(container, path) == before
    # It runs again, and tells that its own attempt was refused.
    assert container.sh(f"chmod +x {path} && {path}").returncode == 42
    assert_blocked_alert(blocking.wait_alert(container.id, "modifyExecutable", path),
                         "modifyExecutable", path)


def test_truncation_by_openat2_gives_nothing_that_runs(container, blocking):
    # The program empties /app/victim by openat2(O_RDONLY|O_TRUNC), which no register shows.
    container.exec("/app/openat2_trunc")
    assert exists(container, "/app/victim")  # no leftover of a creation: it is the image's
    assert_refused(container.sh("/app/victim"))
    alert = blocking.wait_alert(container.id, "modifyExecutable", "/app/victim")
    assert_blocked_alert(alert, "modifyExecutable", "/app/victim")


def test_what_podman_cp_brings_does_not_run(container, podman, blocking, build):
    podman("cp", f"{build}/tests/evasion/payload", f"{container.id}:/tmp/brought")
    assert exists(container, "/tmp/brought")
    assert_refused(container.exec("/tmp/brought"))
    alert = blocking.wait_alert(container.id, "createExecutable", "/tmp/brought")
    assert_blocked_alert(alert, "createExecutable", "/tmp/brought")
    assert alert["holdfast"]["mechanism"] == "exec_gate"


def test_restart_changes_nothing(container, podman, blocking):
    container.sh("cat /app/payload >/tmp/kept && chmod +x /tmp/kept")
    podman("restart", "-t", "0", container.id)
    assert container.exec("ls", "/").returncode == 0
    assert_refused(container.exec("/tmp/kept"))
    assert_refused(container.exec("cp", "/bin/busybox", "/tmp/after"))
    blocking.wait_alert(container.id, "createExecutable", "/tmp/after")


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_vfs_driver_is_covered_or_reported(podman_vfs, blocking, runtime):
    container = podman_vfs.start(runtime=runtime)
    try:
        assert container.exec("/app/victim").returncode == 0
        done = container.sh(DROP_AND_RUN.format(path="/tmp/x"))
        if done.returncode == PAYLOAD_STATUS:
            blocking.wait_alert(container.id, outcome="unprotected")
        else:
            assert_refused(done)
            blocking.wait_alert(container.id, "createExecutable", "/tmp/x")
    finally:
        container.remove()


def test_a_restarted_container_is_covered_at_once(podman, blocking):
    """A restart mounts the same layers anew, often under the same device and mount numbers."""
    script = ("cat /app/payload >/var/p; chmod +x /var/p; /var/p; "
              f"[ $? = {PAYLOAD_STATUS} ] && touch /ran; sleep 600")
    container = podman.start("--name", "again", command=("/bin/sh", "-c", script))
    for _ in range(5):
        podman("restart", "-t", "0", "again", timeout=60)
        assert_refused(container.exec("/var/p"))
        assert not exists(container, "/ran")
    container.remove()
