"""The table of workloads: what runs, where, and what the daemon may say of it.

A workload without a recipe runs under the shipped policies as they are, and nothing is refused or
told of. One with a recipe of docs/policy-recipes.md creates executables by its nature: with the
recipe nothing is refused or told of; without it something is."""
import os
from dataclasses import dataclass
from typing import Callable, Tuple

import drivers

_SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "workloads")
MEMORY = ("/tmp", "/run")  # as most orchestrated containers have them


@dataclass(frozen=True)
class Workload:
    """tmpfs, volume: where the container has file systems of memory, and a host's directory.
    driver: how the script of that name (or `script`) is run, see drivers.py.
    quick: it is also part of the short form."""
    name: str
    script: str = ""
    image: str = "docker.io/library/debian:12"
    tmpfs: Tuple[str, ...] = MEMORY
    volume: str = ""
    driver: Callable = drivers.execute
    recipe: str = ""
    quick: bool = False

    def text(self):
        with open(f"{_SCRIPTS}/{self.script or self.name}.sh", encoding="utf-8") as file:
            return file.read()


WORKLOADS = [
    # Debian's own tools, on the root file system alone.
    Workload("data_files", tmpfs=(), quick=True),
    Workload("image_binaries", tmpfs=(), quick=True),
    Workload("ownership", tmpfs=(), quick=True),
    Workload("python_work", tmpfs=(), quick=True),
    Workload("shell_work", tmpfs=(), quick=True),
    # Servers, with their data on a volume.
    Workload("nginx", image="docker.io/library/nginx:1.22", quick=True),
    Workload("postgresql", image="docker.io/library/postgres:15", volume="/data"),
    Workload("redis", image="docker.io/library/redis:7", volume="/data", quick=True),
    # Interpreters, and what compiles at run time.
    Workload("python", image="docker.io/library/python:3.11", volume="/data", quick=True),
    Workload("perl", image="docker.io/library/perl:5.36", quick=True),
    Workload("node", image="docker.io/library/node:18", volume="/data"),
    Workload("java", image="docker.io/library/eclipse-temurin:17"),
    Workload("luajit", quick=True),
    # Tools.
    Workload("sqlite", volume="/data", quick=True),
    Workload("logrotate", quick=True),
    Workload("git_data", tmpfs=(), quick=True),
    Workload("locks", volume="/data", quick=True),
    Workload("locks_on_root", script="locks", tmpfs=(), quick=True),
    # How containers start, are looked into and end.
    Workload("entrypoint", tmpfs=(), driver=drivers.first_process, quick=True),
    Workload("tini", driver=drivers.under_tini, quick=True),
    Workload("s6", driver=drivers.first_process, quick=True),
    Workload("init_container", driver=drivers.init_container, volume="/data", quick=True),
    Workload("copy_in_and_out", driver=drivers.copy_in_and_out, volume="/data", quick=True),
    Workload("many_execs", driver=drivers.many_execs, quick=True),
    # Those that create executables, and need an exclude.
    Workload("git_clone", image="registry.example/ci/checkout:1", tmpfs=(), recipe="checkouts", quick=True),
    Workload("gcc", image="registry.example/ci/build:1", tmpfs=(), recipe="compilers"),
    Workload("apt", image="registry.example/ci/build:1", tmpfs=(), recipe="packageManager"),
    Workload("npm", image="registry.example/ci/node:1", tmpfs=(), recipe="nodePackages"),
    Workload("pip", image="registry.example/ci/python:1", tmpfs=(), recipe="pythonPackages"),
    Workload("one_file", image="registry.example/team/one-file:1", tmpfs=(), recipe="unpackedPrograms",
             quick=True),
    Workload("executable_data", image="registry.example/team/legacy:1", tmpfs=(), recipe="executableData",
             quick=True),
    Workload("s6_copied", tmpfs=(), image="registry.example/team/s6-service:1",
             driver=drivers.first_process, recipe="serviceDirectories", quick=True),
    Workload("init_container_tools", driver=drivers.init_container, volume="/data",
             image="registry.example/team/tools:1", recipe="installedTools"),
    Workload("jni", image="registry.example/team/service:1", recipe="nativeLibraries"),
    Workload("one_file_tmpfs", script="one_file", image="registry.example/team/one-file:1",
             recipe="unpackedPrograms"),
    Workload("executable_data_volume", script="executable_data", volume="/var/lib/app",
             image="registry.example/team/legacy:1", recipe="executableData"),
]
