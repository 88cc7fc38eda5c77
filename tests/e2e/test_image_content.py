"""Image content always runs, and ordinary work is neither refused nor told of: scripts of
tests/benign that need no more than this machine's own packages, under policies/block.yml."""
import time

import pytest

from containers import REPOSITORY
from expect import assert_refused

SCRIPTS = ["data_files", "image_binaries", "ownership", "python_work", "shell_work"]


@pytest.mark.parametrize("runtime", ["runc", "crun"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_benign(script, runtime, bundle, host_root, blocking):
    with open(f"{REPOSITORY}/tests/benign/workloads/{script}.sh", encoding="utf-8") as file:
        text = file.read()
    container = bundle(runtime, host_root).start("sleep", "600")
    done = container.sh(text, timeout=90)
    assert done.returncode == 0, done.stdout
    time.sleep(0.2)  # an alert is written after the answer
    assert blocking.alerts(container.id) == []
    # The scripts prove nothing in a container that is not covered.
    assert_refused(container.exec("cp", "/usr/bin/env", "/tmp/x"))
    container.remove()
