"""What the tests in a cluster look for: a refusal, and an alert that says what the API says."""
from cluster import NODE
from expect import PAYLOAD_STATUS, REFUSED

FRONT = {"app": "web", "tier": "front"}


def refused(told):
    status, said = told
    assert status not in (0, PAYLOAD_STATUS) and REFUSED in said, f"not refused: {status}: {said}"


def assert_as_the_api_says(alert, pod, cluster, name="main"):
    meta, container = pod.seen()["metadata"], pod.container(name)
    orchestrator = alert["orchestrator"]
    assert orchestrator["type"] == "kubernetes"
    assert orchestrator["cluster"]["id"] == cluster.get("namespace", "kube-system")["metadata"]["uid"]
    assert orchestrator["namespace"] == meta["namespace"]
    assert orchestrator["resource"]["type"] == "pod"
    assert orchestrator["resource"]["name"] == meta["name"]
    assert orchestrator["resource"]["id"] == meta["uid"]
    assert sorted(orchestrator["resource"]["label"]) == sorted(f"{k}:{v}" for k, v in meta["labels"].items())
    assert alert["host"]["name"] == NODE
    assert container["containerID"] == f"containerd://{alert['container']['id']}"
    assert alert["container"]["name"] == container["name"]
    image, tag = container["image"].rsplit(":", 1)
    assert alert["container"]["image"]["name"] == image
    assert alert["container"]["image"]["tag"] == [tag]
