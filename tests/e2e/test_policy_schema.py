"""The JSON schema for editors and `holdfast check` agree about the shape of policies."""
import glob
import json
import os
import re

import jsonschema
import pytest
import yaml

from shell import run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Conditions of a file selector beside its name: those that are valid, and those that are not.
VALID = """
operation: [createExecutable, deleteFile]
containerImageName: [nginx, "ng*"]
containerImageFullName: ["r.io:5000/a/b", "r.io/*"]
containerImageTag: ["1.25", "1.*", 1.5]
targetFilePath: [/usr/bin/x, /usr/**, "/a*/b"]
ignoreVolumeMounts: true
ignoreVolumeFiles: true
orchestratorType: [kubernetes]
orchestratorClusterId: [a]
kubernetesClusterId: [a]
orchestratorClusterName: [a]
kubernetesClusterName: [a]
orchestratorNamespace: ["a*"]
kubernetesNamespace: [a]
orchestratorResourceName: ["a*"]
kubernetesPodName: [a]
orchestratorResourceLabel: ["environment:*", "owner:drohan"]
kubernetesPodLabel: ["a.b/c:d*", "a:"]
""".strip().splitlines()
INVALID = """
operation: []
operation: [exec]
operation: createFile
containerImageName: [library/nginx]
containerImageName: ["nginx:1"]
containerImageFullName: ["r.io/a:1"]
containerImageTag: []
containerImageTag: [[x]]
containerImageTag: {x: y}
containerImageTag: ["“1”"]
containerImageTag: [""]
targetFilePath: ["/“a”"]
kubernetesPodLabel: ["a:“b”"]
containerImageName: [""]
containerImageName: [null]
orchestratorClusterName: ["a*"]
ignoreVolumeFiles: [true]
ignoreVolumeFiles:
targetFilePath:
kubernetesPodLabel: [{app: web}]
sessionLeaderInteractive: true
imageName: [x]
targetFilePath: [usr/bin]
targetFilePath: /usr/bin
ignoreVolumeMounts: false
ignoreVolumeMounts: "true"
orchestratorType: [docker]
kubernetesClusterId: ["a*"]
kubernetesPodLabel: [app]
orchestratorResourceLabel: [":x"]
kubernetesPodLabel: ["a*:x"]
processName: [sh]
opertaion: [createFile]
""".strip().splitlines()
FILE = "file:\n  selectors:\n    - name: s\n      %s\n  responses: [{match: [s], actions: [alert]}]\n"
SELECTOR = "selectors: [{name: s, operation: [createExecutable]}]\n"
# Whole policies.
SHAPES = {
    SELECTOR + "responses: [{match: [s], actions: [alert, block]}]": True,
    SELECTOR + "responses: [{match: [s], actions: [block]}]": False,
    SELECTOR + "responses: [{match: [], actions: [alert]}]": False,
    SELECTOR + "responses: [{match: [s], actions: [deny]}]": False,
    SELECTOR + "responses: []": False,
    SELECTOR: False,
    "file: {}": False,
    "file: {selectors: [x], responses: [[y]]}": False,
    "file: {selectors: {}, responses: x}": False,
    "[a]": False,
    "fiel: {}": False,
    "file: 3": False,
    "file: {}\nselectors: []": False,
    SELECTOR.replace("name: s, ", "") + "responses: [{match: [s], actions: [alert]}]": False,
    SELECTOR.replace("name: s", "name: ''") + "responses: [{match: [s], actions: [alert]}]": False,
    SELECTOR.replace("name: s", "name: [s]") + "responses: [{match: [s], actions: [alert]}]": False,
    SELECTOR + "responses: [{actions: [alert]}]": False,
    SELECTOR + "responses: [{match: [s]}]": False,
    SELECTOR + "responses: [{match: s, actions: [alert]}]": False,
    SELECTOR + "responses: [{match: [s], exclude: [], actions: [alert]}]": False,
    SELECTOR + "responses: [{match: [s], actions: [alert], note: x}]": False,
    SELECTOR + "responses: [{match: [s], actions: [log, alert, block]}]": True,
    SELECTOR + "responses: [{match: [s], actions: [alert]}]\nversion: '1'": True,
    SELECTOR + "responses: [{match: [s], actions: [alert]}]\nversion: ''": False,
    FILE % "containerImageName: [a]\n      containerImageFullName: [r.io/a]": False,
    "process:" + (FILE % "sessionLeaderInteractive: 'true'")[5:]: False,
    "process:" + (FILE % "operation: [createFile]")[5:]: False,
    "version: '1'": False,
    "x: 1": False,
    SELECTOR.replace("createExecutable", "createFile") + "responses: [{match: [s], actions: [alert]}]": False,
    FILE % "kubernetesClusterId: [a]\n      orchestratorClusterId: [a]": False,
    FILE % "ignoreVolumeMounts: true\n      ignoreVolumeFiles: true": False,
    FILE % "ignoreVolumeMounts: true\n      ignoreVolumeFiles: false": True,
    "process:" + (FILE % "operation: [exec]")[5:]: True,
    "process:" + (FILE % "processExecutable: [/bin/*]")[5:]: True,
    "process:" + (FILE % "processName: [sh]\n      sessionLeaderInteractive: false")[5:]: True,
    "process:" + (FILE % "processName: ['s*']")[5:]: False,
    "process:" + (FILE % "targetFilePath: [/a]")[5:]: False,
}


def documents():
    """Every policy of the documentation and those that are shipped."""
    for page in ("policy", "policy-tasks", "policy-recipes"):
        with open(f"{ROOT}/docs/{page}.md", encoding="utf-8") as file:
            yield from re.findall(r"```yaml(?: explain-policy)?\n(.*?)```", file.read(), re.S)
    for path in glob.glob(f"{ROOT}/policies/**/*.yml", recursive=True):
        with open(path, encoding="utf-8") as file:
            yield file.read()


CASES = [(FILE % line, True) for line in VALID] + [(FILE % line, False) for line in INVALID]
CASES += list(SHAPES.items()) + [(text, True) for text in documents()]


@pytest.fixture(scope="module")
def validator():
    with open(f"{ROOT}/policies/holdfast-policy.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@pytest.mark.parametrize("text,valid", CASES)
def test_schema_and_check_agree(text, valid, validator, build, tmp_path):
    path = tmp_path / "p.yml"
    path.write_text(text, encoding="utf-8")
    checked = run(f"{build}/holdfast", "check", path, check=False)
    assert checked.returncode == (0 if valid else 1), checked.stdout
    errors = [error.message for error in validator.iter_errors(yaml.safe_load(text))]
    assert (not errors) == valid, errors
