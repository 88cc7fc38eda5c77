"""A Kubernetes of one node: etcd, the API server and a kubelet on a containerd of the tests' own.
There is no scheduler and no controller manager: a pod names its node, and stands for itself."""
import contextlib
import glob
import json
import os
import secrets
import shutil
import socket
import subprocess

import yaml

from containerd import Containerd
from shell import run, wait_until

PROGRAMS = os.environ.get("HOLDFAST_KUBERNETES", "/var/cache/holdfast-tests/kubernetes") + "/bin"
NODE = "localhost"
BRIDGE = "hf-test0"
# The kubelet sets these, for the whole machine.
SYSCTLS = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
           "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pod_cgroups():
    return [path for pattern in ("/sys/fs/cgroup/kubepods*", "/sys/fs/cgroup/*/kubepods*")
            for path in glob.glob(pattern)]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def logs():
    """The kubelet's links and directories, which have one place on a machine."""
    return set(glob.glob("/var/log/pods/*") + glob.glob("/var/log/containers/*"))


def remove_logs(but):
    for path in logs() - but:
        if os.path.islink(path):
            os.unlink(path)
        else:
            shutil.rmtree(path)


class Cluster:
    """Everything it writes is below one directory, but for what the kubelet has fixed places for:
    cgroups, system settings, log files. remove() takes those back."""

    def __init__(self, directory, archive, images):
        busy = [path for path in pod_cgroups()
                if any(map(read, glob.glob(f"{path}/**/cgroup.procs", recursive=True)))]
        assert not busy, f"pods run on this machine, and a second kubelet would end them: {busy}"
        self.directory, self.static_pods = directory, f"{directory}/static"
        self.seccomp_profiles = f"{directory}/seccomp"  # /var/lib/kubelet/seccomp of a node
        os.mkdir(self.static_pods)
        self.undo = contextlib.ExitStack()
        try:
            self._start(archive, images)
        except BaseException:
            print(self.logs())
            self.remove()
            raise

    def _start(self, archive, images):
        self.undo.callback(self._remove_cgroups)
        self._keep_sysctls()
        self.containerd = Containerd(f"{self.directory}/containerd")
        self.undo.callback(self.containerd.remove)
        self.undo.callback(run, "ip", "link", "delete", BRIDGE, check=False)
        self._pod_network()
        self.containerd.image(archive, *images)
        self.api = self._start_api()
        self._kubeconfig()
        wait_until(lambda: "ok" == self.kubectl("get", "--raw", "/readyz", check=False).stdout, 60,
                   "the API server to be ready", interval=0.2)
        self.undo.callback(self._unmount)
        self.undo.callback(remove_logs, logs())  # when no kubelet makes them again
        self._start_kubelet()
        wait_until(self._node_ready, 60, "the node to be ready", interval=0.2)
        self.undo.callback(self._delete_pods)

    def remove(self):
        self.undo.close()

    @property
    def kubectl_command(self):
        return (f"{PROGRAMS}/kubectl", f"--kubeconfig={self.directory}/kubeconfig",
                f"--cache-dir={self.directory}/kubectl")

    def kubectl(self, *arguments, **options):
        return run(*self.kubectl_command, *arguments, **options)

    def get(self, kind, name, namespace=None):
        """What the API says of it."""
        place = ["-n", namespace] if namespace else []
        return json.loads(self.kubectl("get", kind, name, *place, "-o", "json").stdout)

    def apply(self, *objects):
        for number, one in enumerate(objects):
            path = f"{self.directory}/apply.{number}.json"
            with open(path, "w", encoding="utf-8") as file:
                json.dump(one, file)
            self.kubectl("apply", "-f", path)

    def logs(self):
        return "\n".join(f"{path}:\n{read(path)[-2000:]}" for path in glob.glob(f"{self.directory}/*.log"))

    def _spawn(self, name, *command):
        with open(f"{self.directory}/{name}.log", "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

        def end():
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=15)
        self.undo.callback(end)
        return process

    def _pod_network(self):
        with open(f"{self.directory}/containerd/cni/00-pods.conflist", "w", encoding="utf-8") as file:
            json.dump({"cniVersion": "0.4.0", "name": "pods", "plugins": [{
                "type": "bridge", "bridge": BRIDGE, "ipam": {
                    "type": "host-local", "subnet": "198.51.100.0/24",
                    "dataDir": f"{self.directory}/cni"}}]}, file)

    def _start_api(self):
        etcd, peer, api = free_port(), free_port(), free_port()
        directory = self.directory
        self._spawn("etcd", "etcd", "--data-dir", f"{directory}/etcd", "--logger", "zap",
                    f"--listen-client-urls=http://127.0.0.1:{etcd}",
                    f"--advertise-client-urls=http://127.0.0.1:{etcd}",
                    f"--listen-peer-urls=http://127.0.0.1:{peer}")
        run("openssl", "genrsa", "-out", f"{directory}/sa.key", "2048")
        # What the API server shows to the kubelet.
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/O=system:masters/CN=kube-apiserver",
            "-keyout", f"{directory}/api.key", "-out", f"{directory}/api.crt")
        self.token = secrets.token_hex(16)
        with open(f"{directory}/tokens.csv", "w", encoding="utf-8") as file:
            file.write(f'{self.token},admin,admin,"system:masters"\n')
        # Nobody connects to the advertised address; it must not be a loopback one.
        self._spawn("api", f"{PROGRAMS}/kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}",
                    "--bind-address=127.0.0.1", f"--secure-port={api}", "--advertise-address=192.0.2.254",
                    "--kubelet-preferred-address-types=Hostname", f"--cert-dir={directory}/api",
                    f"--token-auth-file={directory}/tokens.csv", "--authorization-mode=RBAC",
                    f"--kubelet-client-certificate={directory}/api.crt",
                    f"--kubelet-client-key={directory}/api.key",
                    "--service-account-issuer=https://holdfast.test",
                    f"--service-account-signing-key-file={directory}/sa.key",
                    f"--service-account-key-file={directory}/sa.key",
                    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
                    "--service-cluster-ip-range=10.96.0.0/24", "--allow-privileged=true",
                    "--feature-gates=EphemeralContainers=true")
        return api

    def _kubeconfig(self):
        with open(f"{self.directory}/kubeconfig", "w", encoding="utf-8") as file:
            yaml.safe_dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "test",
                "clusters": [{"name": "test", "cluster": {
                    "server": f"https://127.0.0.1:{self.api}", "insecure-skip-tls-verify": True}}],
                "users": [{"name": "admin", "user": {"token": self.token}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}]}, file)

    def _start_kubelet(self):
        self.kubelet_port = free_port()
        with open(f"{self.directory}/kubelet.yaml", "w", encoding="utf-8") as file:
            yaml.safe_dump({
                "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
                "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                                   "x509": {"clientCAFile": f"{self.directory}/api.crt"}},
                "authorization": {"mode": "Webhook"},
                "address": "127.0.0.1", "port": self.kubelet_port, "healthzPort": 0,
                "cgroupDriver": "cgroupfs", "enforceNodeAllocatable": [], "failSwapOn": False,
                "makeIPTablesUtilChains": False, "resolvConf": "/etc/resolv.conf", "oomScoreAdj": 0,
                "maxOpenFiles": os.sysconf("SC_OPEN_MAX"), "syncFrequency": "1s",
                "volumePluginDir": f"{self.directory}/plugins", "staticPodPath": self.static_pods,
                "fileCheckFrequency": "1s",
                "featureGates": {"DevicePlugins": False, "EphemeralContainers": True},
                "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
                "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%",
                                 "imagefs.available": "1%", "nodefs.inodesFree": "1%"}}, file)
        self._spawn("kubelet", f"{PROGRAMS}/kubelet", f"--config={self.directory}/kubelet.yaml",
                    f"--kubeconfig={self.directory}/kubeconfig", f"--root-dir={self.directory}/kubelet",
                    f"--seccomp-profile-root={self.seccomp_profiles}",
                    f"--cert-dir={self.directory}/pki", f"--hostname-override={NODE}",
                    "--container-runtime=remote",
                    f"--container-runtime-endpoint=unix://{self.containerd.socket}")

    def _node_ready(self):
        done = self.kubectl("get", "node", NODE, "-o", "json", check=False, stderr=subprocess.DEVNULL)
        return done.returncode == 0 and any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in json.loads(done.stdout)["status"].get("conditions", []))

    def _delete_pods(self):
        self.kubectl("delete", "pods", "--all", "-A", "--grace-period=1", "--timeout=60s", check=False, timeout=70)

    def _unmount(self):
        """The kubelet's directory is a mount, and pods that were in its way may have left theirs."""
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            left = [line.split()[4] for line in mounts if line.split()[4].startswith(f"{self.directory}/kubelet")]
        for mount in reversed(left):
            run("umount", "-l", mount)

    def _keep_sysctls(self):
        for name in SYSCTLS:
            self.undo.callback(self._write, f"/proc/sys/{name}", read(f"/proc/sys/{name}"))

    @staticmethod
    def _write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    @staticmethod
    def _remove_cgroups():
        for root in pod_cgroups():
            for directory, _, _ in os.walk(root, topdown=False):
                os.rmdir(directory)
