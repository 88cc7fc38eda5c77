"""Pods: the daemon's, of the project's own manifests, and those it judges."""
import json
import os
import subprocess

import yaml

from cluster import NODE
from containers import REPOSITORY
from daemon import Daemon
from shell import wait_until

APP = "reg.example.test/team/app:2.3"
INSTALLER = "reg.example.test/team/installer:1.0"
NAMESPACES = ["shop", "payments"]


def manifest(name):
    with open(f"{REPOSITORY}/kubernetes/{name}", encoding="utf-8") as file:
        return {document["kind"]: document for document in yaml.safe_load_all(file)}


def daemon_set():
    return manifest("daemonset.yaml")["DaemonSet"]


def new_namespaces(cluster):
    cluster.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES))


class HoldfastPod(Daemon):
    """What the DaemonSet would make on this node: its pod template under a name, on the node. Its
    directories of the host are the test's, and its settings name the cluster's containerd."""

    def __init__(self, cluster, policy):
        super().__init__("holdfast", f"{cluster.directory}/holdfast")
        self.cluster, self.policy = cluster, policy
        self.namespace, self.name = daemon_set()["metadata"]["namespace"], "holdfast-node"

    def config_map(self):
        config = manifest("configmap.yaml")["ConfigMap"]
        config["data"]["holdfast.yml"] += f"cri_sockets: [{self.cluster.containerd.socket}]\n"
        config["data"]["cluster_id"] = self.cluster.get("namespace", "kube-system")["metadata"]["uid"]
        if self.policy:
            config["data"]["default.yml"] = self.policy
        return config

    def pod(self):
        return self.node_pod(daemon_set()["spec"]["template"])

    def node_pod(self, template):
        spec = template["spec"]
        spec["nodeName"] = NODE
        spec["containers"][0].update(image=f"localhost/{spec['containers'][0]['image']}", imagePullPolicy="Never")
        for volume in spec["volumes"]:
            if "hostPath" in volume:
                volume["hostPath"]["path"] = self.state_dir
        return {"apiVersion": "v1", "kind": "Pod", "spec": spec, "metadata": {
            "name": self.name, "namespace": self.namespace, "labels": template["metadata"]["labels"]}}

    def start(self):
        self.cluster.apply(manifest("daemonset.yaml")["Namespace"], self.config_map(), self.pod())
        Daemon.running.append(self)
        self.cluster.kubectl("-n", self.namespace, "wait", "--for=condition=Ready", f"pod/{self.name}",
                             "--timeout=60s", timeout=70)
        return self

    def log(self):
        now = self.cluster.kubectl("-n", self.namespace, "logs", self.name, check=False).stdout
        before = self.cluster.kubectl("-n", self.namespace, "logs", "-p", self.name, check=False).stdout
        return f"{now}\nbefore its restart, if there was one:\n{before}"

    def status(self):
        done = self.cluster.kubectl("-n", self.namespace, "exec", self.name, "--", "/usr/sbin/holdfast",
                                    "status", "--json")
        return json.loads(done.stdout)

    def delete(self, *options):
        if self in Daemon.running:
            Daemon.running.remove(self)
        self.cluster.kubectl("-n", self.namespace, "delete", "pod", self.name, "--ignore-not-found",
                             "--timeout=60s", *options, timeout=70)

    def remove(self):
        self.delete()
        for name in ("alerts", "file", "process"):
            path = f"{self.state_dir}/{name}.ndjson"
            if os.path.exists(path):
                os.unlink(path)


class AskingPod(HoldfastPod):
    """With access to the API as kubernetes/api-access*.yaml give it, and no runtime's socket: the node's
    kubelet tells who containers are, and the API server which cluster this is."""

    def config_map(self):
        config = manifest("configmap.yaml")["ConfigMap"]
        config["data"]["holdfast.yml"] += yaml.safe_dump({"kubernetes": {
            "kubelet": f"https://127.0.0.1:{self.cluster.kubelet_port}", "kubelet_ca": f"{self.cluster.directory}/pki/kubelet.crt",
            "api": f"https://127.0.0.1:{self.cluster.api}"}})
        config["data"]["default.yml"] = self.policy
        return config

    def pod(self):
        with open(f"{REPOSITORY}/kubernetes/api-access-patch.yaml", encoding="utf-8") as file:
            patch = file.read()
        path = f"{self.cluster.directory}/daemonset.json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(daemon_set(), file)
        patched = self.cluster.kubectl("patch", "--local", "-f", path, "--patch", patch, "-o", "json").stdout
        return self.node_pod(json.loads(patched)["spec"]["template"])

    def start(self):
        access = manifest("api-access.yaml")
        # Kubelets before 1.33 ask for it.
        access["ClusterRole"]["rules"].append({"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]})
        with open(f"{self.cluster.directory}/api/apiserver.crt", encoding="utf-8") as file:
            ca = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"ca.crt": file.read()},
                  "metadata": {"name": "kube-root-ca.crt", "namespace": self.namespace}}
        self.cluster.apply(manifest("daemonset.yaml")["Namespace"], ca, *access.values())
        return super().start()


class Pod:
    """A pod by `kubectl apply`. Its main container runs a script, then stays."""

    def __init__(self, cluster, name, script="true", namespace="shop", labels=None, main=None, beside=(), **spec):
        self.cluster, self.name, self.namespace = cluster, name, namespace
        container = {"name": "main", "image": APP, "imagePullPolicy": "Never",
                     "command": ["/bin/sh", "-c", f"{script}\necho status $?\nexec sleep 86400"], **(main or {})}
        self.create({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels or {"app": "web"}},
            "spec": {"nodeName": NODE, "terminationGracePeriodSeconds": 0, "enableServiceLinks": False,
                     "automountServiceAccountToken": False, "containers": [container, *beside], **spec}})

    def create(self, pod):
        self.cluster.apply(pod)

    def kubectl(self, *arguments, **options):
        return self.cluster.kubectl("-n", self.namespace, *arguments, **options)

    def kubectl_in_background(self, *arguments):
        return subprocess.Popen([*self.cluster.kubectl_command, "-n", self.namespace, *arguments],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def seen(self):
        """The pod as the API tells it."""
        return self.cluster.get("pod", self.name, self.namespace)

    def status(self, container="main", timeout=60):
        """The exit status of a container's script, and what it said."""
        def told():
            said = self.kubectl("logs", self.name, "-c", container, check=False).stdout
            return said if "\nstatus " in f"\n{said}" else None
        said = wait_until(told, timeout, f"pod {self.name} to be done: {self.seen().get('status')}", interval=0.2)
        return int(said.rsplit("status ", 1)[1].split()[0]), said

    def container(self, name="main"):
        """What the API says of one of its containers, of whatever kind."""
        status = self.seen()["status"]
        return next(one for kind in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
                    for one in status.get(kind, []) if one["name"] == name)

    def container_id(self, name="main"):
        return self.container(name)["containerID"].removeprefix("containerd://")

    def exec(self, script, container="main"):
        return self.kubectl("exec", self.name, "-c", container, "--", "sh", "-c", script, check=False)

    def remove(self):
        self.kubectl("delete", "pod", self.name, "--ignore-not-found", "--grace-period=0", "--force", check=False)


class StaticPod(Pod):
    """A pod of the kubelet's own, by a file."""

    def create(self, pod):
        self.path = f"{self.cluster.static_pods}/{self.name}.json"
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(pod, file)
        self.name += f"-{NODE}"

    def remove(self):
        os.unlink(self.path)
        wait_until(lambda: self.kubectl("get", "pod", self.name, check=False).returncode != 0, 60,
                   "the static pod to be gone", interval=0.2)
