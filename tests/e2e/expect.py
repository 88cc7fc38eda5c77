"""What a refusal looks like from inside a container, and in the alert log."""
REFUSED = "Operation not permitted"
PAYLOAD_STATUS = 77  # tests/evasion/payload.c

DROP_AND_RUN = "cat /app/payload >{path} && chmod +x {path} && {path}"


def assert_refused(done):
    assert done.returncode not in (0, PAYLOAD_STATUS), f"not refused: {done.stdout}"
    # runc says it in Go's spelling, without the capital.
    assert REFUSED.lower() in done.stdout.lower(), f"exit {done.returncode}, but not by a refusal: {done.stdout}"


def assert_blocked_alert(alert, operation, path, process=None):
    """The minimum of an alert document for a blocked act."""
    assert alert["holdfast"]["operation"] == operation
    assert alert["holdfast"]["outcome"] == "blocked"
    assert alert["holdfast"]["mechanism"] in ("open_gate", "exec_gate")
    assert alert["file"]["path"] == path
    assert alert["file"]["name"] == path.rsplit("/", 1)[1]
    assert alert["event"]["kind"] == "alert"
    assert alert["event"]["module"] == "cloud_defend"
    assert "denied" in alert["event"]["type"]
    assert alert["event"]["outcome"] == "failure"
    assert alert["cloud_defend"]["matched_selectors"]
    assert alert["@timestamp"] and alert["message"] and alert["process"]["pid"] > 0
    if process:
        assert alert["process"]["name"] == process
