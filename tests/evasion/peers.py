"""What other projects document about the techniques. Nothing here was measured: where a project's
own documentation does not say, the cell stays empty."""

PEERS = ["Falco", "Tetragon", "KubeArmor", "fapolicyd", "D4C"]

SOURCES = [
    "Falco, rule *Drop and execute new binary in container*: an executable of an overlay's upper layer is"
    " executed; \"only applies for runtimes using overlayfs\"."
    " <https://github.com/falcosecurity/rules/blob/main/rules/falco_rules.yaml>",
    "Falco, rule *Fileless execution via memfd_create*, same file; rule *Execution from /dev/shm*,"
    " <https://github.com/falcosecurity/rules/blob/main/rules/falco-incubating_rules.yaml>",
    "Tetragon, policy library: *Binary Execution in /tmp*, *Fileless Execution*, *Execution of Deleted"
    " Binaries*, *Privileges Escalation via Unprivileged User Namespaces*."
    " <https://tetragon.io/docs/policy-library/observability/>",
    "KubeArmor, least permissive access: only the processes of an allow list run, by path."
    " <https://github.com/kubearmor/KubeArmor/blob/main/getting-started/least_permissive_access.md>",
    "fapolicyd, README, goals of the shipped policies: nothing untrusted is executed, none by way of"
    " ld.so; libraries and interpreted programs must be trusted (known-libs). It speaks of hosts,"
    " not of containers. <https://github.com/linux-application-whitelisting/fapolicyd>",
    "Elastic Defend for Containers, README: file events at the LSM hooks file_open (write intent),"
    " path_chmod, path_mknod, path_truncate, path_rename, path_link, path_unlink, each of which can"
    " block; needs BPF LSM. <https://www.elastic.co/docs/current/integrations/cloud_defend>",
]

UPPER, RULES, LIBRARY, ALLOW_LIST, TRUST, HOOKS = range(1, 7)  # places in SOURCES

_DETECTS, _PREVENTS = "detects", "prevents"

_GROUPS = {
    "create": {"Falco": (_DETECTS, UPPER), "KubeArmor": (_PREVENTS, ALLOW_LIST),
               "fapolicyd": (_PREVENTS, TRUST), "D4C": (_PREVENTS, HOOKS)},
    "modify": {"D4C": (_PREVENTS, HOOKS)},
    "run": {"Falco": (_DETECTS, UPPER), "KubeArmor": (_PREVENTS, ALLOW_LIST),
            "fapolicyd": (_PREVENTS, TRUST)},
}
_NONE = {}
_TECHNIQUES = {
    "open_by_handle": _NONE, "shared_mapping": {"Falco": (_DETECTS, UPPER)},
    "io_uring_write": _NONE, "fd_before_chmod": _NONE, "mapped_while_exec": _NONE,
    "write_while_exec": _NONE, "symlink_swap": _NONE, "long_path": _NONE,
    "chmod": {"D4C": (_PREVENTS, HOOKS)}, "fchmod": {"D4C": (_PREVENTS, HOOKS)},
    "fchmodat": {"D4C": (_PREVENTS, HOOKS)}, "fchmodat2": {"D4C": (_PREVENTS, HOOKS)},
    "tmp": {"Falco": (_DETECTS, UPPER), "Tetragon": (_DETECTS, LIBRARY)},
    "tmp_tmpfs": {"Tetragon": (_DETECTS, LIBRARY)},
    "dev_shm": {"Falco": (_DETECTS, RULES)}, "dev_shm_remount": {"Falco": (_DETECTS, RULES)},
    "fresh_tmpfs_userns": {"Tetragon": (_DETECTS, LIBRARY)},
    "user_namespace": {"Tetragon": (_DETECTS, LIBRARY)},
    "fexecve_drift": {"Falco": (_DETECTS, UPPER), "Tetragon": (_DETECTS, LIBRARY)},
    "memfd": {"Falco": (_DETECTS, RULES), "Tetragon": (_DETECTS, LIBRARY)},
    "memfd_proc": {"Falco": (_DETECTS, RULES), "Tetragon": (_DETECTS, LIBRARY)},
    "memfd_sealed": {"Falco": (_DETECTS, RULES), "Tetragon": (_DETECTS, LIBRARY)},
    "ld_so": {"fapolicyd": (_PREVENTS, TRUST)}, "ld_preload": {"fapolicyd": (_PREVENTS, TRUST)},
    "ld_so_preload": {"fapolicyd": (_PREVENTS, TRUST)},
    "dlopen": {"fapolicyd": (_PREVENTS, TRUST)}, "interpreter": {"fapolicyd": (_PREVENTS, TRUST)},
    "interpreter_stdin": _NONE, "proc_mem": _NONE, "memfd_dlopen": _NONE, "map_files": _NONE, "anonymous_code": _NONE, "binfmt_misc": _NONE,
    "interpreter_chain": _NONE,
}


def documented(technique):
    """One cell for each of PEERS."""
    known = _TECHNIQUES.get(technique.name, _GROUPS.get(technique.group, _NONE))
    cells = []
    for peer in PEERS:
        word, source = known.get(peer, ("", 0))
        cells.append(f"{word} [{source}]" if word else "-")
    return cells
