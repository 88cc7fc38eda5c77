"""`executables: mode`, and what an alert-only policy tells of code."""
from containers import tmpfs
from test_code_content import LOADER


def test_mode_alone(make_daemon, block_policy, settings, work, bundle, host_root):
    path = f"{work}/mode.yml"
    with open(settings, encoding="utf-8") as file, open(path, "w", encoding="utf-8") as out:
        out.write(file.read() + "executables: mode\n")
    make_daemon(block_policy, settings=path)
    container = bundle("runc", host_root).start()
    done = container.sh(f"cat /bin/true >/tmp/p && {LOADER} /tmp/p")
    assert done.returncode == 0, done.stdout
    container.remove()


def test_alert_only_tells_of_it(make_daemon, default_policy, bundle, host_root):
    daemon = make_daemon(default_policy)
    container = bundle("runc", host_root, mounts=[tmpfs("/tmp")]).start()
    assert container.sh(f"cat /bin/true >/tmp/p && {LOADER} /tmp/p").returncode == 0
    alert = daemon.wait_alert(container.id, "createExecutable", "/tmp/p", outcome="alerted")
    assert alert["holdfast"]["mechanism"] == "open_gate"
    container.remove()
