"""The profiles that come with holdfast are what its command prints."""
import os
import platform

import pytest

from containers import REPOSITORY
from profiles import ENGINE_PROFILE
from shell import run


@pytest.mark.parametrize("name", ["podman.json", "cri-x86_64.json"])
def test_the_profiles_are_as_generated(name, binary, tmp_path):
    if name != "podman.json" and name != f"cri-{platform.machine()}.json":
        pytest.skip(f"{name} is generated on the machine of its architecture")
    assert os.path.exists(ENGINE_PROFILE), "apt install golang-github-containers-common"
    run(f"{REPOSITORY}/seccomp/generate", binary, ENGINE_PROFILE, str(tmp_path))
    with open(f"{REPOSITORY}/seccomp/{name}", encoding="utf-8") as kept:
        assert (tmp_path / name).read_text(encoding="utf-8") == kept.read(), \
            f"seccomp/generate {binary} writes another seccomp/{name}"
