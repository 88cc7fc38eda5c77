"""What `holdfast probe` says on each kernel, and whether it is true there."""
import json


def probe(report, name="probe"):
    assert report[name].status == 0, report[name].output
    return json.loads(report[name].output)


def reach(document, operation, act):
    return next(entry["reach"] for entry in document["operations"]
                if entry["operation"] == operation and act in entry["act"])


def test_in_a_bare_initramfs(report):
    """With /proc, busybox and nothing else."""
    assert probe(report, "bare_probe")["can_enforce"]


def test_all_operations_can_be_prevented(report):
    document = probe(report)
    assert reach(document, "createExecutable", "written") == "prevented"
    assert reach(document, "createExecutable", "chmod") == "detected"
    assert reach(document, "modifyExecutable", "written") == "prevented"
    assert reach(document, "execMemFd", "under the seccomp profile") == "prevented"
    assert reach(document, "execMemFd", "without the seccomp profile") == "killed after start"
    assert reach(document, "execMemFd", "in huge pages") == "prevented"


def test_bpf_lsm_is_told_as_the_kernel_lists_it(report):
    release, modules = report["kernel"].output.split()
    document = probe(report)
    assert document["kernel"] == release
    assert document["security_modules"] == modules.split(",")
    assert document["bpf_lsm"] == ("active" if "bpf" in modules.split(",") else "not active")
    if release.startswith("5.10."):
        assert document["bpf_lsm"] == "not active"


def test_birth_times_and_file_handles_are_told_apart_by_filesystem(report):
    """On 5.10 tmpfs has neither: the daemon goes without, and says so."""
    changes = probe(report)["tried"]["tmpfs_change_events"]["works"]
    containers = json.loads(report["memory.status"].output)["containers"]
    assert [("changes_not_seen" in container) for container in containers] == [not changes]
