"""What is refused in a container, on each kernel, in a guest with nothing but busybox, and on each layout
of control groups."""
import pytest

LAYOUTS = ("v1", "hybrid", "v2")
REFUSED = "Operation not permitted"
PAYLOAD_STATUS = 77  # tests/evasion/payload.c


def told(report, layout, operation, path):
    """The outcomes of the alerts of that description."""
    return [(alert["holdfast"]["outcome"], alert["holdfast"]["mechanism"]) for alert in report.alerts(layout)
            if alert["holdfast"]["operation"] == operation and alert["file"]["path"] == path]


@pytest.fixture(params=LAYOUTS)
def layout(request):
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
def test_refused_and_alerted(report, layout, act):
    step = report[f"{layout}.{act}"]
    assert step.status not in (0, PAYLOAD_STATUS), f"not refused: {step.output}"
    assert REFUSED in step.output, f"exit {step.status}, but not by a refusal: {step.output}"
    outcomes = told(report, layout, *REFUSALS[act])
    assert any(outcome == "blocked" for outcome, _ in outcomes), f"no alert of it: {report.alerts(layout)}"


def test_a_memory_file_is_killed(report, layout):
    """Without the seccomp profile, which needs a runtime."""
    assert report[f"{layout}.memfd"].status == 42, report[f"{layout}.memfd"].output
    alerts = [alert["holdfast"]["outcome"] for alert in report.alerts(layout)
              if alert["holdfast"]["operation"] == "execMemFd"]
    assert alerts == ["killed"]


def test_the_image_runs(report, layout):
    assert report[f"{layout}.image"].status == 0, report[f"{layout}.image"].output
    assert report[f"{layout}.unharmed"].status == 0, report[f"{layout}.unharmed"].output


def test_no_executable_is_left(report, layout):
    """What was refused leaves nothing; what was made executable by chmod or rename did not run."""
    left = report[f"{layout}.leftovers"].output.split()
    assert f"/store/{layout}/upper/tmp/acts/copied" not in left


def test_the_daemon_stops(report, layout):
    assert report[f"{layout}.stop"].status == 0, report[f"{layout}.log"].output


def test_the_kernel_has_no_complaint(report):
    assert report["end"].output.splitlines()[1:] == []
