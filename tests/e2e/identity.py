"""What the identity tests choose by: selectors that match, and selectors that do not, the container
whose first process drops and runs a file."""
import os

from expect import DROP_AND_RUN

RUNS = int(os.environ.get("HOLDFAST_IDENTITY_RUNS", "3"))
APP = "reg.example.test/team/app:2.3"
LABELS = {"tier": "front", "app": "web"}
DROP = ("/bin/sh", "-c", DROP_AND_RUN.format(path="/tmp/dropped"))
POLICY = """
file:
  selectors:
    - name: chosen
      operation: [createExecutable, modifyExecutable]
      {condition}
  responses:
    - match: [chosen]
      actions: [alert, block]
"""
# (condition, it matches)
LABEL = [("orchestratorResourceLabel: [tier:front]", True), ("orchestratorResourceLabel: [tier:back]", False)]
NAMESPACE = [("orchestratorNamespace: [payments]", True), ("orchestratorNamespace: [other]", False)]
POD_NAME = [("orchestratorResourceName: [web-*]", True), ("orchestratorResourceName: [api-*]", False)]
IMAGE_NAME = [("containerImageName: [app]", True), ("containerImageName: [team]", False),
              ("containerImageFullName: [reg.example.test/team/app]", True),
              ("containerImageFullName: [reg.example.test/team]", False),
              ("containerImageTag: [2.3]", True), ("containerImageTag: [2.4]", False)]


def assert_image(alert, reference, digest=None):
    """As the runtime's own API names it: NAME:TAG, perhaps with a digest within a longer text."""
    name, tag = reference.rsplit(":", 1)
    image = alert["container"]["image"]
    assert (image["name"], image["tag"]) == (name, [tag])
    if digest:
        assert image["hash"]["all"] == [digest[digest.rindex("sha256:"):]]
