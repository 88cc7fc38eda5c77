"""`executables: elf`: drifted ELF code is not opened, so that no loader gets it."""
import pytest

from containers import tmpfs
from expect import REFUSED, assert_refused

LOADER = "/lib64/ld-linux-x86-64.so.2"


@pytest.fixture(scope="module")
def container(bundle, host_root, blocking):
    return bundle("runc", host_root, mounts=[tmpfs("/tmp")]).start()


@pytest.mark.parametrize("place", ["/tmp", "/opt"])
def test_the_loader_gets_nothing(place, container, blocking):
    path = f"{place}/program"
    done = container.sh(f"mkdir -p {place} && cat /bin/ls >{path} && {LOADER} {path} /")
    assert_refused(done)
    alert = blocking.wait_alert(container.id, "createExecutable", path)
    assert alert["holdfast"]["mechanism"] == "open_gate"
    assert alert["event"]["action"] == "open" and "access" in alert["event"]["type"]
    assert alert["message"].startswith("Blocked opening of added code")


def test_a_preloaded_library(container):
    done = container.sh("cat /lib/x86_64-linux-gnu/libz.so.1 >/tmp/lib.so || "
                        "cat $(ls /lib/x86_64-linux-gnu/libm.so.6) >/tmp/lib.so; "
                        "LD_PRELOAD=/tmp/lib.so /bin/true")
    assert REFUSED in done.stdout or "cannot be preloaded" in done.stdout, done.stdout


def test_dlopen(container):
    done = container.sh("cat /lib/x86_64-linux-gnu/libm.so.6 >/tmp/m.so; "
                        "python3 -c 'import ctypes; ctypes.CDLL(\"/tmp/m.so\")'")
    assert_refused(done)


def test_the_images_own_libraries_load(container, blocking):
    before = len(blocking.alerts(container.id))
    done = container.sh("chown -R 0:0 /lib/x86_64-linux-gnu/libm.so.6 /usr/lib/python3.11 && "
                        "python3 -c 'import ctypes; ctypes.CDLL(\"libm.so.6\")' && "
                        f"{LOADER} /bin/true")
    assert done.returncode == 0, done.stdout
    assert len(blocking.alerts(container.id)) == before


def test_data_that_only_looks_like_code(container, blocking):
    """A core dump, an object file, a file that begins as an ELF file does and ends there."""
    before = len(blocking.alerts(container.id))
    done = container.sh(
        "head -c 16 /bin/ls >/tmp/short && cat /tmp/short >/dev/null && "
        "(head -c 16 /bin/ls; printf '\\004\\000'; tail -c +19 /bin/ls) >/tmp/core && "
        "cat /tmp/core >/dev/null && "
        "(head -c 16 /bin/ls; printf '\\001\\000'; tail -c +19 /bin/ls) >/tmp/x.o && "
        "cat /tmp/x.o >/dev/null && head -c 5000 /dev/urandom >/tmp/r && cat /tmp/r >/dev/null")
    assert done.returncode == 0, done.stdout
    assert len(blocking.alerts(container.id)) == before
