"""Containers of workloads: bare bundles with file systems of memory, a volume, and annotations of
containerd's CRI plugin, which tell the daemon the image's name."""
import os

from containers import Bundle

# What docker and containerd leave a container by default.
CAPABILITIES = [
    f"CAP_{name}" for name in (
        "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP "
        "SETGID SETPCAP SETUID SYS_CHROOT").split()]


def _tmpfs(path):
    mode = "1777" if path == "/tmp" else "755"
    return {"destination": path, "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "nodev", f"mode={mode}"]}


class WorkloadContainer(Bundle):
    """volume: the path where a directory of the host, `volume_source`, is mounted."""

    def __init__(self, runtime, directory, lower, workload, volume_source):
        mounts = [_tmpfs(path) for path in workload.tmpfs]
        if workload.volume:
            os.makedirs(volume_source, exist_ok=True)
            mounts.append({"destination": workload.volume, "type": "bind", "source": volume_source,
                           "options": ["rbind", "rw"]})
        super().__init__(runtime, directory, lower, capabilities=CAPABILITIES, mounts=mounts,
                         annotations={"io.kubernetes.cri.image-name": workload.image})
        self._arguments = (runtime, directory, lower, workload, volume_source)

    def sibling(self):
        """Another container of the same image with the same volume."""
        return WorkloadContainer(*self._arguments)
