"""Image content always runs, and ordinary work is neither refused nor told of. Each script of
tests/benign runs in a container of Debian's own tools under policies/block.yml."""
import glob
import os
import time

import pytest

from containers import REPOSITORY
from expect import PAYLOAD_STATUS, assert_refused
from shell import run

SCRIPTS = sorted(os.path.basename(path) for path in glob.glob(f"{REPOSITORY}/tests/benign/*.sh"))


@pytest.mark.parametrize("runtime", ["runc", "crun"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_benign(script, runtime, bundle, host_root, blocking):
    with open(f"{REPOSITORY}/tests/benign/{script}", encoding="utf-8") as file:
        text = file.read()
    container = bundle(runtime, host_root).start("sleep", "600")
    done = container.sh(text, timeout=90)
    assert done.returncode == 0, done.stdout
    time.sleep(0.2)  # an alert is written after the answer
    assert blocking.alerts(container.id) == []
    # The scripts prove nothing in a container that is not covered.
    assert_refused(container.exec("cp", "/usr/bin/env", "/tmp/x"))
    container.remove()


def test_the_loader_and_preloading_run_no_drift(bundle, host_root, blocking):
    """ld.so, LD_PRELOAD and dlopen raise no exec event for the file they load."""
    container = bundle("runc", host_root).start("sleep", "600")
    container.sh("cat /usr/bin/env >/tmp/program; cat /lib/x86_64-linux-gnu/libz.so.1 >/tmp/l.so",
                 check=True)
    done = container.exec("/lib64/ld-linux-x86-64.so.2", "/tmp/program", "true")
    assert done.returncode != 0, done.stdout
    done = container.sh("LD_PRELOAD=/tmp/l.so /usr/bin/env true")
    assert "cannot be preloaded" in done.stdout, done.stdout
    for path in ("/tmp/program", "/tmp/l.so"):
        alert = blocking.wait_alert(container.id, "createExecutable", path)
        assert alert["holdfast"]["mechanism"] == "open_gate"
    container.remove()


@pytest.fixture(scope="module")
def package(work):
    """A tiny .deb with an executable and a maintainer script that runs it."""
    tree = f"{work}/hello-package"
    os.makedirs(f"{tree}/DEBIAN")
    os.makedirs(f"{tree}/usr/bin")
    files = {
        "DEBIAN/control": "Package: hello-holdfast\nVersion: 1\nArchitecture: all\n"
                          "Maintainer: none <none@example.test>\nDescription: a test\n",
        "DEBIAN/postinst": "#!/bin/sh\nhello-holdfast >/dev/null\n",
        "usr/bin/hello-holdfast": "#!/bin/sh\necho hello\n",
    }
    for name, text in files.items():
        with open(f"{tree}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    os.chmod(f"{tree}/DEBIAN/postinst", 0o755)
    os.chmod(f"{tree}/usr/bin/hello-holdfast", 0o755)
    run("dpkg-deb", "--root-owner-group", "-b", tree, f"{work}/hello.deb")
    return f"{work}/hello.deb"


POLICY = """\
selectors:
  - name: executables
    operation: [createExecutable, modifyExecutable]
  - name: package-manager
    targetFilePath: [%s]
responses:
  - match: [executables]
    exclude: [package-manager]
    actions: [alert, block]
"""


@pytest.mark.parametrize("excluded, works", [
    ('"/usr/bin/*", "/var/lib/dpkg/**"', True), ('"/opt/elsewhere"', False)])
def test_package_manager(excluded, works, make_daemon, policy_file, bundle, host_root, package):
    daemon = make_daemon(policy_file(POLICY % excluded))
    container = bundle("runc", host_root).start("sleep", "600")
    with open(package, "rb") as source, open(f"{container.root}/tmp/hello.deb", "wb") as copy:
        copy.write(source.read())
    done = container.exec("dpkg", "-i", "/tmp/hello.deb", timeout=60)
    ran = container.exec("hello-holdfast")
    if works:
        assert done.returncode == 0, done.stdout
        assert ran.stdout == "hello\n"
        assert daemon.alerts(container.id) == []
    else:
        assert done.returncode != 0 and ran.returncode not in (0, PAYLOAD_STATUS), done.stdout
        daemon.wait_alert(container.id)
    container.remove()
    daemon.stop()
