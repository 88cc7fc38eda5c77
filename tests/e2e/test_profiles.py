"""The profiles that come with holdfast are what its command prints, and do what they are for."""
import json
import os
import platform

import pytest

from containers import REPOSITORY
from profiles import ENGINE_PROFILE
from shell import run

HELD = 42


@pytest.fixture(scope="module")
def generated(binary, work):
    """What seccomp/generate writes; docker's base comes from Debian's archive."""
    assert os.path.exists(ENGINE_PROFILE), "apt install golang-github-containers-common"
    directory = f"{work}/generated"
    os.mkdir(directory)
    run(f"{REPOSITORY}/seccomp/generate", binary, directory, timeout=120)
    return directory


@pytest.mark.parametrize("name", ["podman.json", "docker.json", "cri-x86_64.json"])
def test_the_profiles_are_as_generated(name, binary, generated):
    if name.startswith("cri-") and name != f"cri-{platform.machine()}.json":
        pytest.skip(f"{name} is generated on the machine of its architecture")
    with open(f"{REPOSITORY}/seccomp/{name}", encoding="utf-8") as kept, \
            open(f"{generated}/{name}", encoding="utf-8") as now:
        assert now.read() == kept.read(), f"seccomp/generate {binary} writes another seccomp/{name}"


@pytest.mark.parametrize("name", ["podman.json", "docker.json"])
def test_a_container_under_a_shipped_profile_is_covered(name, podman, targets, build, blocking, work):
    """podman reads docker's form too; docker 20.10, the one that Debian has, drops listenerPath."""
    with open(f"{REPOSITORY}/seccomp/{name}", encoding="utf-8") as kept:
        profile = json.load(kept)
    profile["listenerPath"] = f"{blocking.state_dir}/seccomp.sock"
    path = f"{work}/shipped-{name}"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(profile, file)
    image = "localhost/holdfast-memory:1.0"
    podman.image(image, [*targets, f"{build}/tests/e2e/memfd_ways"])
    container = podman.start("--security-opt", f"seccomp={path}", image=image)
    done = container.exec("/app/memfd_ways", "run", "fexecve")
    assert done.returncode == HELD, done.stdout
    blocking.wait_alert(container.id, "execMemFd")
    assert container.exec("/app/memfd_ways", "use").returncode == 0
    # What docker and podman refuse to everybody stays refused by the profile alone.
    assert container.sh("unshare -m true").returncode != 0
    container.remove()
