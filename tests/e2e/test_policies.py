"""What the policy says is what happens: excluded paths, alert-only, several policies."""
from expect import DROP_AND_RUN, PAYLOAD_STATUS, assert_refused
from shell import wait_until

EXECUTABLES = """\
selectors:
  - name: executables
    operation: [createExecutable, modifyExecutable]
  - name: tools
    targetFilePath: ["/opt/tools/**"]
responses:
  - match: [executables]
    exclude: [tools]
    actions: [%s]
"""
# A name that an executable has for a moment may be seen or not (docs/limitations.md).
PASSING = "/tmp/m"
ACTS = [
    "cp /app/payload /tmp/copied",
    DROP_AND_RUN.format(path="/tmp/written"),
    f"cat /app/payload >{PASSING} && chmod +x {PASSING} && mv {PASSING} /bin/moved && /bin/moved",
    "echo x >> /app/hard_link",
    "chmod -x /app/acl_execute && echo x >> /app/acl_execute; chmod +x /app/acl_execute",
    "echo data >/tmp/data && cat /tmp/data",
    "chmod 700 /app/victim && /app/victim",
]


def test_excluded_paths_are_allowed(make_daemon, policy_file, bundle, lower):
    daemon = make_daemon(policy_file(EXECUTABLES % "alert, block"))
    container = bundle("runc", lower).start()
    container.sh("mkdir -p /opt/tools/bin", check=True)
    done = container.sh("cp /app/payload /opt/tools/bin/x && /opt/tools/bin/x")
    assert done.returncode == PAYLOAD_STATUS, done.stdout
    done = container.sh(DROP_AND_RUN.format(path="/opt/tools/y"))
    assert done.returncode == PAYLOAD_STATUS, done.stdout
    assert_refused(container.sh(DROP_AND_RUN.format(path="/opt/toolsy")))
    daemon.wait_alert(container.id, "createExecutable", "/opt/toolsy")
    assert {alert["file"]["path"] for alert in daemon.alerts(container.id)} == {"/opt/toolsy"}
    container.remove()
    daemon.stop()


def acts_of(daemon, container):
    """The (operation, path) pairs that the daemon told of for certain, once no more come."""
    seen = [None]

    def settled():
        now = {(alert["holdfast"]["operation"], alert["file"]["path"])
               for alert in daemon.alerts(container.id) if alert["file"]["path"] != PASSING}
        same, seen[0] = now == seen[0], now
        return same and now
    return wait_until(settled, 5, "alerts", interval=0.7)


def test_alert_only_predicts_block(make_daemon, policy_file, bundle, lower):
    told = {}
    for actions in ("alert", "alert, block"):
        daemon = make_daemon(policy_file(EXECUTABLES % actions))
        container = bundle("runc", lower).start()
        results = [container.sh(act) for act in ACTS]
        told[actions] = acts_of(daemon, container)
        # What the change watch sees cannot be refused, under no policy.
        outcomes = {alert["holdfast"]["outcome"] for alert in daemon.alerts(container.id)
                    if alert["holdfast"]["mechanism"] != "change_watch" or actions == "alert"}
        if actions == "alert":
            assert outcomes == {"alerted"}
            assert [done.returncode for done in results] == [
                0, PAYLOAD_STATUS, PAYLOAD_STATUS, 0, 0, 0, 0], [d.stdout for d in results]
        else:
            assert outcomes == {"blocked"}
        container.remove()
        daemon.stop()
    assert told["alert"] == told["alert, block"]


def test_shipped_default_refuses_nothing(make_daemon, default_policy, bundle, lower):
    daemon = make_daemon(default_policy)
    container = bundle("runc", lower).start()
    done = container.sh(DROP_AND_RUN.format(path="/tmp/x"))
    assert done.returncode == PAYLOAD_STATUS, done.stdout
    alert = daemon.wait_alert(container.id, "createExecutable", "/tmp/x", "alerted")
    assert "denied" not in alert["event"]["type"]
    container.remove()
    daemon.stop()


def test_the_strongest_of_several_policies_decides(make_daemon, policy_file, default_policy,
                                                   bundle, lower):
    blocks_one = policy_file("""\
selectors:
  - name: one
    operation: [createExecutable]
    targetFilePath: ["/tmp/one"]
responses:
  - match: [one]
    actions: [alert, block]
""")
    daemon = make_daemon(default_policy, blocks_one)
    container = bundle("crun", lower).start()
    assert_refused(container.sh(DROP_AND_RUN.format(path="/tmp/one")))
    assert container.sh(DROP_AND_RUN.format(path="/tmp/two")).returncode == PAYLOAD_STATUS
    daemon.wait_alert(container.id, path="/tmp/two", outcome="alerted")
    daemon.wait_alert(container.id, path="/tmp/one", outcome="blocked")
    assert daemon.alerts(container.id, path="/tmp/two", outcome="blocked") == []
    container.remove()
    daemon.stop()


def test_selection_by_image(make_daemon, policy_file, podman):
    daemon = make_daemon(policy_file("""\
selectors:
  - name: this-image
    operation: [createExecutable]
    containerImageName: [holdfast-test]
  - name: other-image
    operation: [createExecutable]
    containerImageName: [nginx]
responses:
  - match: [other-image]
    actions: [alert, block]
  - match: [this-image]
    actions: [alert]
"""))
    container = podman.start()
    try:
        done = container.sh(DROP_AND_RUN.format(path="/tmp/x"))
        assert done.returncode == PAYLOAD_STATUS, done.stdout
        alert = daemon.wait_alert(container.id, "createExecutable", "/tmp/x", "alerted")
        assert alert["cloud_defend"]["matched_selectors"] == ["this-image"]
    finally:
        container.remove()
    daemon.stop()


def test_a_block_of_files_holds_for_executables(make_daemon, policy_file, bundle, lower):
    """An executable that is created is a file that is created; other files are not seen."""
    daemon = make_daemon(policy_file("""\
file:
  selectors:
    - {name: executables, operation: [createExecutable, modifyExecutable]}
    - {name: files, operation: [createFile, modifyFile], targetFilePath: [/tmp/**]}
  responses:
    - {match: [executables], actions: [alert]}
    - {match: [files], actions: [alert, block]}
"""))
    assert "createFile and modifyFile are seen of executables alone" in daemon.log()
    container = bundle("runc", lower).start()
    assert_refused(container.sh("cp /app/payload /tmp/x"))
    alert = daemon.wait_alert(container.id, "createExecutable", "/tmp/x", "blocked")
    assert set(alert["cloud_defend"]["matched_selectors"]) == {"executables", "files"}
    done = container.sh("mkdir -p /opt && cp /app/payload /opt/x && /opt/x")
    assert done.returncode == PAYLOAD_STATUS, done.stdout
    assert container.sh("echo data >/tmp/data && cat /tmp/data").returncode == 0
    container.remove()
    daemon.stop()
