# Locks of every kind, leases, opens that must not wait, and watched files: what an open that is held
# up, or a lease of somebody else on the same file, would disturb.
set -e
work=/data
[ -d $work ] || work=/var/lib/locks
mkdir -p $work
cd $work
cp /etc/os-release image-data
seq 1000 >data
flock lock -c 'true'
for i in 1 2 3 4; do flock lock -c 'sleep 0.1; echo x >>counted' & done
wait
test "$(wc -l <counted)" = 4
python3 - <<'END'
import ctypes, errno, fcntl, os, select, signal, subprocess, time

F_SETLEASE, F_GETLEASE = 1024, 1025

def nonblocking(path, rounds=2000):
    """An open with O_NONBLOCK gives EWOULDBLOCK only where somebody's lease stands against it."""
    for _ in range(rounds):
        for flags in (os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND):
            os.close(os.open(path, flags | os.O_NONBLOCK))

def beside(work, *others):
    """Does the work in this process and in children at once."""
    children = []
    for other in others:
        child = os.fork()
        if child == 0:
            try:
                other()
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    work()
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

def reads(path, rounds=2000):
    for _ in range(rounds):
        with open(path, "rb") as file:
            file.read(1)

beside(lambda: nonblocking("data"), lambda: reads("data"), lambda: nonblocking("data"))

# Record locks: two processes take turns.
def records():
    with open("data", "r+b") as file:
        for i in range(300):
            fcntl.lockf(file, fcntl.LOCK_EX, 8, 8 * (i % 10))
            fcntl.lockf(file, fcntl.LOCK_UN, 8, 8 * (i % 10))
beside(records, records, records)

# Leases, as file servers take them: on data, and on a program that is run all the while.
fd = os.open("image-data", os.O_RDONLY)
fcntl.fcntl(fd, F_SETLEASE, fcntl.F_RDLCK)
reads("image-data", 100)
assert fcntl.fcntl(fd, F_GETLEASE) == fcntl.F_RDLCK
os.close(fd)
program = os.open("/usr/bin/true", os.O_RDONLY)
fcntl.fcntl(program, F_SETLEASE, fcntl.F_RDLCK)
for _ in range(20):
    subprocess.run(["/usr/bin/true"], check=True)
assert fcntl.fcntl(program, F_GETLEASE) == fcntl.F_RDLCK
os.close(program)

# A write lease is given up when somebody opens the file. Right after the open the daemon may still look
# at it (docs/limitations.md).
fd = os.open("image-data", os.O_RDWR)
time.sleep(0.5)
fcntl.fcntl(fd, F_SETLEASE, fcntl.F_WRLCK)
given_up = []
def give_up(number, frame):
    given_up.append(time.monotonic())
    fcntl.fcntl(fd, F_SETLEASE, fcntl.F_UNLCK)
signal.signal(signal.SIGIO, give_up)
began = time.monotonic()
reader = subprocess.Popen(["head", "-c", "1", "image-data"], stdout=subprocess.DEVNULL)
assert reader.wait(timeout=20) == 0
assert given_up and time.monotonic() - began < 5, time.monotonic() - began
os.close(fd)

# FIFOs, devices and directories, without waiting.
os.mkfifo("fifo")
reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
writer = os.open("fifo", os.O_WRONLY | os.O_NONBLOCK)
os.write(writer, b"x")
assert os.read(reader, 1) == b"x"
for path in ("/dev/null", "/dev/urandom", "/proc/self/status", "."):
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))

# inotify sees the acts of this container, each once.
libc = ctypes.CDLL(None, use_errno=True)
watch = libc.inotify_init1(os.O_NONBLOCK)
assert libc.inotify_add_watch(watch, b".", 0x100 | 0x8) >= 0  # created, closed after writing
with open("watched", "w", encoding="ascii") as file:
    file.write("x")
assert select.select([watch], [], [], 5)[0]
time.sleep(0.1)
assert os.read(watch, 4096).count(b"watched") == 2
END
