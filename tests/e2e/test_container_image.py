"""The Dockerfile, built offline: the image protects other containers of its host."""
from containers import REPOSITORY
from daemon import Daemon
from expect import assert_refused
from shell import run

TAG = "localhost/holdfast:test"


class ImageDaemon(Daemon):
    """The daemon's files are below the state directory, as for any other; podman runs it."""

    def __init__(self, podman, state_dir):
        super().__init__("podman", state_dir)
        self.podman = podman
        self.command = [
            f"{podman.directory}/podman", "run", "--rm", "--name", "holdfast", "--privileged",
            "--pid=host", "--network=none", "-v", f"{state_dir}:/state", TAG, "run",
            "--state-dir", "/state", "--config", "/state/holdfast.yml",
            "--policy", "/usr/share/holdfast/policies/block.yml"]
        with open(f"{state_dir}/holdfast.yml", "w", encoding="utf-8") as settings:
            settings.write(f"podman_storage: [{podman.storage}]\n")


def test_image_refuses_a_drop_in_another_container(podman, build, work):
    context = f"{work}/context"
    run(f"{REPOSITORY}/scripts/image-root", build, f"{context}/build/image-root", timeout=300)
    run(f"{podman.directory}/buildah", "bud", "--isolation", "chroot", "--target", "prebuilt",
        "-t", TAG, "-f", f"{REPOSITORY}/Dockerfile", context, timeout=120)
    early = podman.start()
    daemon = ImageDaemon(podman, f"{work}/image-state")
    try:
        daemon.start()
        late = podman.start()
        for container in (early, late):
            assert_refused(container.exec("cp", "/bin/busybox", "/tmp/x"))
            alert = daemon.wait_alert(container.id, "createExecutable", "/tmp/x")
            assert alert["container"]["image"]["name"] == "localhost/holdfast-test"
        # Its own container is none of its business.
        assert {a["container"]["id"] for a in daemon.documents()} == {early.id, late.id}
        podman("stop", "-t", "5", "holdfast")
        assert daemon.process.wait(timeout=10) == 0, daemon.log()
        late.remove()
    finally:
        podman("rm", "-f", "-t", "0", "holdfast", check=False)
        daemon.kill()
        early.remove()


def test_image_shows_its_version(podman):
    with open(f"{REPOSITORY}/VERSION", encoding="utf-8") as file:
        version = file.read().strip()
    assert version in podman("run", "--rm", "--network=none", TAG, "--version").stdout
