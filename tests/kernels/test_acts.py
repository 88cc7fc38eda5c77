"""What is refused in a container, on each kernel: in a guest with nothing but busybox, in each layout of
control groups and with layers in memory; and under crun."""
import pytest

LAYOUTS = ("v1", "hybrid", "v2")
PHASES = (*LAYOUTS, "memory", "runtime")
REFUSED = "Operation not permitted"
PAYLOAD_STATUS = 77  # tests/evasion/payload.c


def told(report, phase, operation, path):
    """The outcomes of the alerts of that description."""
    return [(alert["holdfast"]["outcome"], alert["holdfast"]["mechanism"]) for alert in report.alerts(phase)
            if alert["holdfast"]["operation"] == operation and alert["file"]["path"] == path]


@pytest.fixture(params=PHASES)
def phase(request):
    return request.param


# step -> operation and path of its alert
REFUSALS = {
    "create": ("createExecutable", "/tmp/acts/copied"),
    "drop": ("createExecutable", "/tmp/acts/dropped"),
    "append": ("modifyExecutable", "/app/victim"),
    "replace": ("modifyExecutable", "/app/replaced"),
    "volatile": ("createExecutable", "/dev/dropped"),
}


@pytest.mark.parametrize("act", REFUSALS)
def test_refused_and_alerted(report, phase, act):
    step = report[f"{phase}.{act}"]
    assert step.status not in (0, PAYLOAD_STATUS), f"not refused: {step.output}"
    assert REFUSED in step.output, f"exit {step.status}, but not by a refusal: {step.output}"
    outcomes = told(report, phase, *REFUSALS[act])
    assert any(outcome == "blocked" for outcome, _ in outcomes), f"no alert of it: {report.alerts(phase)}"


def test_a_memory_file_does_not_run(report, phase):
    """Under the seccomp profile, which needs a runtime, it is refused; else it is killed."""
    assert report[f"{phase}.memfd"].status == 42, report[f"{phase}.memfd"].output
    alerts = [(alert["holdfast"]["outcome"], alert["holdfast"]["mechanism"]) for alert in report.alerts(phase)
              if alert["holdfast"]["operation"] == "execMemFd"]
    assert alerts == [("blocked", "memfd_gate") if phase == "runtime" else ("killed", "exec_watch")]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_is_what_it_is_called(report, layout):
    lines = report[f"{layout}.cgroup"].output.splitlines()
    unified = [line for line in lines if line.startswith("0::/docker/")]
    assert len(unified) == (0 if layout == "v1" else 1), lines
    assert len(lines) == 1 if layout == "v2" else len(lines) > 4, lines


def test_the_image_runs(report, phase):
    assert report[f"{phase}.image"].status == 0, report[f"{phase}.image"].output
    assert report[f"{phase}.unharmed"].status == 0, report[f"{phase}.unharmed"].output


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_refused_creation_leaves_nothing(report, layout):
    left = report[f"{layout}.leftovers"].output.split()
    assert f"/store/{layout}/upper/tmp/acts/copied" not in left


def test_the_daemon_stops(report, phase):
    assert report[f"{phase}.stop"].status == 0, report[f"{phase}.log"].output


def test_the_kernel_has_no_complaint(report):
    assert report["end"].output.splitlines()[1:] == []
