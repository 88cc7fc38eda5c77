"""The Kubernetes files hang together: no cluster is needed to see that."""
import os

import pytest
import yaml

from containers import REPOSITORY
from shell import run


def documents(name):
    with open(f"{REPOSITORY}/kubernetes/{name}", encoding="utf-8") as file:
        return {document["kind"]: document for document in yaml.safe_load_all(file)}


@pytest.fixture(scope="module")
def daemon_set():
    return documents("daemonset.yaml")["DaemonSet"]


@pytest.fixture(scope="module")
def config_map():
    return documents("configmap.yaml")["ConfigMap"]


def test_namespaces_and_labels_agree(daemon_set, config_map):
    namespace = documents("daemonset.yaml")["Namespace"]["metadata"]["name"]
    assert daemon_set["metadata"]["namespace"] == namespace
    assert config_map["metadata"]["namespace"] == namespace
    wanted = daemon_set["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= daemon_set["spec"]["template"]["metadata"]["labels"].items()


def test_pod_sees_the_host(daemon_set):
    pod = daemon_set["spec"]["template"]["spec"]
    assert pod["hostPID"] is True
    assert pod["containers"][0]["securityContext"]["privileged"] is True


def test_every_mount_has_its_volume(daemon_set, config_map):
    pod = daemon_set["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts.keys() == volumes.keys()
    assert {"/etc/holdfast", "/run/holdfast", "/var/log/holdfast"} == set(mounts.values())
    source = volumes["settings"]["configMap"]
    assert source["name"] == config_map["metadata"]["name"]
    assert {item["key"] for item in source["items"]} == config_map["data"].keys()


def test_image_is_of_this_version(daemon_set):
    with open(f"{REPOSITORY}/VERSION", encoding="utf-8") as file:
        version = file.read().strip()
    image = daemon_set["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.endswith(f":{version}")


def test_settings_and_policy_are_valid(binary, config_map, work):
    directory = f"{work}/configmap"
    os.makedirs(directory)
    for name, text in config_map["data"].items():
        with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    done = run(binary, "check", *(f"{directory}/{name}" for name in config_map["data"]))
    assert "error" not in done.stdout


def test_policy_is_the_shipped_default(config_map, default_policy):
    with open(default_policy, encoding="utf-8") as file:
        assert yaml.safe_load(config_map["data"]["default.yml"]) == yaml.safe_load(file)
