"""A containerd with CRI of the test's own, and a small CRI client: pods and containers as a kubelet
makes them. The messages are src/container/cri.proto's and what only a kubelet sends, below."""
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import uuid

from shell import run, wait_until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# A subset of runtime.v1's and runtime.v1alpha2's api.proto, which number these fields alike.
PROTO = """
syntax = "proto3";
package runtime.VERSION;
message PodSandboxMetadata { string name = 1; string uid = 2; string namespace = 3; uint32 attempt = 4; }
message NamespaceOption { int32 network = 1; int32 pid = 2; int32 ipc = 3; }
message SecurityProfile { int32 profile_type = 1; string localhost_ref = 2; }
message LinuxSandboxSecurityContext { NamespaceOption namespace_options = 1; bool privileged = 6;
  SecurityProfile seccomp = 9; }
message LinuxPodSandboxConfig { string cgroup_parent = 1; LinuxSandboxSecurityContext security_context = 2; }
message PodSandboxConfig { PodSandboxMetadata metadata = 1; string hostname = 2; string log_directory = 3;
  map<string, string> labels = 6; map<string, string> annotations = 7; LinuxPodSandboxConfig linux = 8; }
message RunPodSandboxRequest { PodSandboxConfig config = 1; string runtime_handler = 2; }
message RunPodSandboxResponse { string pod_sandbox_id = 1; }
message ContainerMetadata { string name = 1; uint32 attempt = 2; }
message ImageSpec { string image = 1; }
message Mount { string container_path = 1; string host_path = 2; }
message LinuxContainerResources { int64 cpu_shares = 3; int64 oom_score_adj = 5; }
message LinuxContainerSecurityContext { bool privileged = 2; NamespaceOption namespace_options = 3;
  SecurityProfile seccomp = 15; }
message LinuxContainerConfig { LinuxContainerResources resources = 1; LinuxContainerSecurityContext security_context = 2; }
message ContainerConfig { ContainerMetadata metadata = 1; ImageSpec image = 2; repeated string command = 3;
  repeated Mount mounts = 7; map<string, string> labels = 9; map<string, string> annotations = 10; string log_path = 11;
  LinuxContainerConfig linux = 15; }
message CreateContainerRequest { string pod_sandbox_id = 1; ContainerConfig config = 2; PodSandboxConfig sandbox_config = 3; }
message CreateContainerResponse { string container_id = 1; }
message StartContainerRequest { string container_id = 1; }
message StartContainerResponse {}
message Id { string id = 1; }
message Empty {}
message ContainerStatusRequest { string container_id = 1; }
message ContainerStatus { string id = 1; ContainerMetadata metadata = 2; int32 state = 3; int64 created_at = 4;
  int64 started_at = 5; int64 finished_at = 6; int32 exit_code = 7; ImageSpec image = 8; string image_ref = 9;
  map<string, string> labels = 12; }
message ContainerStatusResponse { ContainerStatus status = 1; }
message PodSandboxStatus { string id = 1; PodSandboxMetadata metadata = 2; map<string, string> labels = 7; }
message PodSandboxStatusResponse { PodSandboxStatus status = 1; }
message ExecSyncRequest { string container_id = 1; repeated string cmd = 2; int64 timeout = 3; }
message ExecSyncResponse { bytes stdout = 1; bytes stderr = 2; int32 exit_code = 3; }
"""
EXITED = 2


class Cri:
    """Calls of one version of the CRI."""

    def __init__(self, socket, version, directory):
        import grpc
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        name = f"holdfast_test_{version}"
        with open(f"{directory}/{name}.proto", "w", encoding="utf-8") as file:
            file.write(PROTO.replace("VERSION", version))
        run("protoc", f"-I{directory}", f"--descriptor_set_out={directory}/{name}.pb",
            f"{directory}/{name}.proto")
        pool = descriptor_pool.DescriptorPool()
        files = descriptor_pb2.FileDescriptorSet()
        with open(f"{directory}/{name}.pb", "rb") as file:
            files.ParseFromString(file.read())
        for one in files.file:
            pool.Add(one)
        factory = message_factory.MessageFactory(pool)
        self.message = lambda kind: factory.GetPrototype(
            pool.FindMessageTypeByName(f"runtime.{version}.{kind}"))
        self.version = version
        self.channel = grpc.insecure_channel(f"unix://{socket}")

    def close(self):
        self.channel.close()

    def __call__(self, method, request, request_type=None, response_type=None):
        from google.protobuf import json_format
        asks = self.message(request_type or f"{method}Request")
        answers = self.message(response_type or f"{method}Response")
        call = self.channel.unary_unary(
            f"/runtime.{self.version}.RuntimeService/{method}",
            request_serializer=asks.SerializeToString, response_deserializer=answers.FromString)
        return call(json_format.ParseDict(request, asks()), timeout=60)


class Pod:
    """A sandbox on the host's network, as the kubelet asks for it. `security`: more of its security
    context."""

    def __init__(self, containerd, cri, name, namespace, labels, uid=None, security=None):
        self.cri, self.name, self.uid = cri, name, uid or str(uuid.uuid4())
        self.cgroup = f"/kubepods/burstable/pod{self.uid}"
        self.options = {"network": 2, "pid": 1}
        self.ids = {"io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": namespace,
                    "io.kubernetes.pod.uid": self.uid}
        self.config = {
            "metadata": {"name": name, "uid": self.uid, "namespace": namespace},
            "log_directory": f"{containerd.directory}/logs/{self.uid}",
            "labels": {**labels, **self.ids},
            "linux": {"cgroup_parent": self.cgroup,
                      "security_context": {"namespace_options": self.options, **(security or {})}}}
        self.sandbox = cri("RunPodSandbox", {"config": self.config}).pod_sandbox_id

    def run(self, command, image, name="main", attempt=0, security=None):
        """Starts a container; its id. `security`: more of its security context."""
        config = {"metadata": {"name": name, "attempt": attempt}, "image": {"image": image},
                  "command": list(command), "log_path": f"{name}_{attempt}.log",
                  "labels": {**self.ids, "io.kubernetes.container.name": name},
                  "linux": {"resources": {"cpu_shares": 2, "oom_score_adj": 1000},
                            "security_context": {"namespace_options": self.options, **(security or {})}}}
        container = self.cri("CreateContainer", {
            "pod_sandbox_id": self.sandbox, "config": config,
            "sandbox_config": self.config}).container_id
        self.cri("StartContainer", {"container_id": container})
        return container

    def wait(self, container, timeout=30):
        """Its exit code."""
        def exited():
            status = self.container_seen(container)
            return status if status.state == EXITED else None
        return wait_until(exited, timeout, f"container {container} to exit").exit_code

    def seen(self):
        """The sandbox, as the API tells of it."""
        return self.cri("PodSandboxStatus", {"id": self.sandbox}, "Id").status

    def container_seen(self, container):
        return self.cri("ContainerStatus", {"container_id": container}).status

    def exec(self, container, command):
        """The exit code."""
        return self.cri("ExecSync", {"container_id": container, "cmd": list(command),
                                     "timeout": 30}).exit_code

    def remove_container(self, container):
        # Field 1 is the id in both.
        self.cri("RemoveContainer", {"id": container}, "Id", "Empty")

    def remove(self):
        for method in ("StopPodSandbox", "RemovePodSandbox"):
            self.cri(method, {"id": self.sandbox}, "Id", "Empty")
        for root, directories, _ in os.walk("/sys/fs/cgroup"):
            if root.endswith(self.cgroup):
                os.rmdir(root)
                directories.clear()


def pod_images(podman, image, name, directory):
    """A docker archive of an image under a name, and of the sandbox's."""
    podman("tag", image, name)
    podman("create", "--name", "pausing", image)
    podman("commit", "-q", "--change", 'CMD ["sleep","86400"]', "pausing", "localhost/pause:1")
    podman("rm", "pausing")
    path = f"{directory}/{uuid.uuid4().hex}.tar"  # podman does not write over another
    podman("save", "-q", "--format", "docker-archive", "-o", path, name, "localhost/pause:1", "-m", timeout=120)
    return path


class Containerd:
    """containerd below a directory of the test's own. `cri_settings`: lines for its CRI plugin."""

    def __init__(self, directory, cri_settings=""):
        self.directory = directory
        self.socket = f"{directory}/c.sock"
        os.makedirs(f"{directory}/cni")
        with open(f"{directory}/containerd.toml", "w", encoding="utf-8") as file:
            file.write(f"""version = 2
oom_score = 0
root = "{directory}/root"
state = "{directory}/state"
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  {cri_settings}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
""")
        with open(f"{directory}/cni/10-test.conflist", "w", encoding="utf-8") as file:
            file.write('{"cniVersion": "0.4.0", "name": "test", "plugins": [{"type": "loopback"}]}')
        self.process = None
        self.start()

    def start(self):
        with open(f"{self.directory}/containerd.log", "ab") as log:
            self.process = subprocess.Popen(
                ["containerd", "--config", f"{self.directory}/containerd.toml"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: os.path.exists(self.socket) and self.ctr("version", check=False).returncode == 0,
                   30, "containerd to answer")

    def ctr(self, *arguments, **options):
        return run("ctr", "--connect-timeout", "1s", "-a", self.socket, *arguments, **options)

    def image(self, archive, *names):
        """Imports a docker archive."""
        self.ctr("-n", "k8s.io", "images", "import", archive, timeout=120)
        have = self.ctr("-n", "k8s.io", "images", "ls", "-q").stdout.split()
        for name in names:
            assert name in have, f"{name} was not imported: {have}"

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(timeout=20)

    def shims(self):
        return [pid for pid, words in command_lines()
                if os.path.basename(words[0]).startswith("containerd-shim") and self.socket in words]

    def processes(self):
        """The first process of each container."""
        pids = []
        for path in glob.glob(f"{self.directory}/state/io.containerd.runtime.v2.task/*/*/init.pid"):
            with open(path, encoding="utf-8") as file:
                pid = int(file.read())
            container = os.path.basename(os.path.dirname(path))
            try:
                with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
                    if container in file.read():  # the number may be another's by now
                        pids.append(pid)
            except FileNotFoundError:
                pass
        return pids

    def remove(self):
        self.stop()
        # What a test that failed has left: containers outlive their runtime. The shims first, so
        # that nobody sees to the containers any more.
        for pid in self.shims() + self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until(lambda: not self.processes(), 10, "the containers' processes to be gone")
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            left = [line.split()[4] for line in mounts if self.directory in line.split()[4]]
        for mount in reversed(left):
            run("umount", "-l", mount, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)


def command_lines():
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", encoding="utf-8", errors="replace") as file:
                words = file.read().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(entry), words


def short_directory(prefix):
    """A socket's path is short."""
    return tempfile.mkdtemp(prefix=prefix, dir="/var/tmp")


class OnlyVersion:
    """A socket that passes one version of the CRI on to a runtime, and knows no other."""

    def __init__(self, path, upstream, version):
        import grpc
        from concurrent import futures
        self.calls = 0
        channel = self.channel = grpc.insecure_channel(f"unix://{upstream}")

        class Handler(grpc.GenericRpcHandler):
            def service(handler, details):
                if not details.method.startswith(f"/runtime.{version}."):
                    return None  # UNIMPLEMENTED
                call = channel.unary_unary(details.method)

                def passed_on(request, context):
                    self.calls += 1
                    try:
                        return call(request, timeout=10)
                    except grpc.RpcError as error:
                        context.abort(error.code(), error.details())
                return grpc.unary_unary_rpc_method_handler(passed_on)
        self.server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Handler()])
        self.server.add_insecure_port(f"unix://{path}")
        self.server.start()

    def stop(self):
        self.server.stop(None).wait()
        self.channel.close()
