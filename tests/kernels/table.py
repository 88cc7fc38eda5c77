"""docs/kernels.md, from the reports of the guests."""
import json
import re

from disk import ATTACKS
from sandbox import parse_batch

HEAD = """\
# Kernels

<!-- Written by `make test-kernels`. -->

holdfast asks a kernel what it can do by trying it, never by its version: `holdfast probe` prints what it finds on a
machine. This page is what it found on Debian's cloud kernels, booted under qemu, where containers were then attacked.
5.10.218 is the oldest kernel that can be had from Debian, and the last with fanotify as the 5.x kernels have it (5.10.220 took
over a large part of 6.1's). On older ones, from 5.0, the parts that are missing are told by `probe`; they were not run.

## Operations

"""

TAIL = """
Acts by chmod, rename, link, mknod or an ACL are reported where the layers lie on a filesystem with file handles; their
result is refused when it is run, everywhere. Under crun with the seccomp profile memory files were refused on all of these
kernels; without it they are killed.

## Attacks

Programs of `tests/evasion` ([evasion.md](evasion.md)) in a container on ext4, first without a daemon, then under
`policies/block.yml`.

"""

PORTABLE = """
Each guest ran a creation, a modification, dropped and replaced programs and a memory file in the three layouts of control groups (v1, hybrid, v2), in a container whose layers are in memory,
and under crun.

## The portable file

`make portable` links one static x86-64 file, `build/portable/holdfast`, of 17.6 MB, two thirds of
it gRPC. It needs no loader, no libraries and no files but /proc: in an initramfs with nothing but busybox it probes and
protects. Measured against it, before gRPC came in, was a bundle of the usual binary, its libraries and their loader: 9.6 MB
in 13 files where the static file had 5.6 MB, a start 2 ms quicker (3.3 and 5.1 ms), and /proc/self/exe, by which the daemon
starts its runtime hold, would be the loader. Debian 12 has archives of all libraries but
spdlog and fmt, which are compiled from their headers (`portable/logging.cc`).

aarch64 is not built: Debian 12 can install the libraries for a foreign architecture, but neither the programs nor the tests
have been run there, and nothing in continuous integration could run them.
"""


def row(cells):
    return "| " + " | ".join(cells) + " |\n"


def cell(entry):
    by = f" ({', '.join(entry['mechanisms'])})" if entry["mechanisms"] else ""
    return entry["reach"] + by


def version(report):
    """What Debian calls it: the release's name leaves the last number out."""
    return re.findall(r"Debian (\d+\.\d+\.\d+)", report["version"].output)[-1]  # before it, its compiler's


def document(reports):
    reports = dict(sorted(reports.items(), key=lambda entry: [int(part) for part in version(entry[1]).split(".")]))
    probes = {name: json.loads(report["probe"].output) for name, report in reports.items()}
    kernels = {name: version(report) for name, report in reports.items()}
    text = HEAD + row(["operation", *kernels.values()]) + row(["---"] * (len(kernels) + 1))
    first = next(iter(probes.values()))
    text += row(["BPF LSM", *(found["bpf_lsm"] for found in probes.values())])
    for index, entry in enumerate(first["operations"]):
        text += row([f"{entry['operation']}, {entry['act']}",
                     *(cell(found["operations"][index]) for found in probes.values())])
    for name in first["tried"]:
        works = [found["tried"][name]["works"] for found in probes.values()]
        if not all(works):
            text += row([f"({name})", *("works" if one else "missing" for one in works)])
    text += TAIL + row(["kernel", "refused", "not refused", "do not work there at all"]) + row(["---"] * 4)
    for name, report in reports.items():
        bare = parse_batch(report["evasion.bare"].output)
        covered = parse_batch(report["evasion.covered"].output)
        working = [technique.name for technique in ATTACKS if bare[technique.name][0] == 0]
        refused = [technique for technique in working if covered[technique][0] == 42]
        text += row([kernels[name], f"{len(refused)} of {len(working)}",
                     ", ".join(technique for technique in working if technique not in refused) or "-",
                     ", ".join(technique.name for technique in ATTACKS if technique.name not in working) or "-"])
    return text + PORTABLE
