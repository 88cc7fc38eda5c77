"""What an entry of the catalogue says, and how it is read."""
from dataclasses import dataclass

GROUPS = ["create", "modify", "permissions", "places", "run", "from outside", "time"]

# What holdfast promises about a technique under a response with `block`.
CLOSED = "closed"  # refused
KILLED = "killed"  # refused, or ended after its start by the exec watch: whichever comes first
LIMITATION = "limitation"  # it works, and docs/limitations.md says so

# mechanisms (holdfast.mechanism) that refuse
OPEN, EXEC, WATCH = "open_gate", "exec_gate", "exec_watch"
# Under the seccomp profile there are the mechanisms seccomp and memfd_gate too, by these of its rules:
MEMORY, MOUNTS, NAMESPACES, RING, PERMISSIONS = "memfd", "mount", "namespaces", "io_uring", "permissions"

CREATE, MODIFY, MEMFD = "createExecutable", "modifyExecutable", "execMemFd"

WORKED, BROKEN, REFUSED = 0, 1, 42  # exit codes, evasion.h

NO_PATH = "(none)"  # for a path that cannot be told


@dataclass(frozen=True)
class Technique:
    """One way to run code that is not the image's.

    It works in a directory of its own, DIRECTORY/NAME, and may change executables of the image that
    no other technique does: $VICTIM and $SCRIPT. So many share a container, and an alert belongs to
    the technique whose places its path is in."""
    group: str
    name: str
    what: str  # for a reader of docs/evasion.md
    run: str  # a program of tests/evasion with its arguments, or a script that ends as the payload does
    by: tuple = (EXEC,)  # mechanisms that refuse it
    operations: tuple = (CREATE,)  # what the refusals are alerted as
    script: bool = False
    directory: str = "/tmp"
    container: str = "plain"  # or "mounted": with volumes and tmpfs mounts
    host: str = ""  # the function of outside.py that does it
    expected: str = CLOSED
    limitation: str = ""  # words of docs/limitations.md that tell of it
    # (operation, path) that only alert-only can see: the refusal makes these acts impossible.
    impossible: tuple = ()
    # (path under block, under alert-only) of a file that may have another name, or be unmounted, by
    # the time that the act is reported, which nobody waits for under alert-only; or whose path
    # depends on who reports it.
    named_later: tuple = ()
    paths: tuple = ()  # how further paths begin that its alerts name
    callers: tuple = ()  # programs whose refused calls are its own, beside its own one
    # Rules of the seccomp profile that refuse it at a call, each time; (): it ends as without the profile.
    profile: tuple = ()
    no_profile: str = ""  # or why it cannot be tried there

    def expected_under_profile(self):
        return CLOSED if self.profile else self.expected

    @property
    def scratch(self):
        return f"{self.directory}/{self.name}"

    @property
    def victim(self):
        return f"/app/victims/{self.name}/tool"

    @property
    def program(self):
        """The place of its program: a name of the technique's own, if it runs in the tests' own image."""
        place = "/app" if self.group == "time" else f"/app/as/{self.name}"
        return f"{place}/{self.run.split()[0]}"

    @property
    def command(self):
        return " ".join([self.program, *self.run.split()[1:]])

    def owns(self, path, executable):
        """An alert of this path, about this process's act. A call that names no file is told of by the
        root's path."""
        if path == "/":
            return executable in (self.program, *self.callers)
        return path.startswith((f"{self.scratch}/", f"/app/victims/{self.name}/",
                                f"/memfd:{self.name} ", *self.paths))

    def only_alerted(self):
        return {self._place(path) for _, path in self.impossible}

    def name_under_alert(self, path):
        names = {self._place(early): self._place(late) for early, late in self.named_later}
        return names.get(path, path)

    def _place(self, path):
        return path.format(scratch=self.scratch, victim=self.victim,
                           script=f"/app/victims/{self.name}/script")


def program(group, name, what, run=None, **more):
    return Technique(group, name, what, run or name, **more)


def script(group, name, what, text, **more):
    return Technique(group, name, what, text, script=True, **more)
