"""dpkg works under an exclude selector for its paths, and is refused without one."""
import os

import pytest

from expect import PAYLOAD_STATUS
from shell import run


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
