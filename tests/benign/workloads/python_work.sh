# Python: modules, subprocesses, temporary files, threads, shared mappings, compiled caches.
set -e
cat >/tmp/module_of_mine.py <<'END'
VALUE = 42
END
cd /tmp
python3 - <<'END'
import hashlib, json, mmap, os, subprocess, sys, tempfile, threading
sys.path.insert(0, "/tmp")
import module_of_mine
assert module_of_mine.VALUE == 42
assert os.listdir("/tmp/__pycache__")
assert subprocess.run(["ls", "/"], stdout=subprocess.DEVNULL).returncode == 0
with tempfile.NamedTemporaryFile() as file:
    file.write(b"0" * 8192)
    file.flush()
    with mmap.mmap(file.fileno(), 0) as mapping:
        mapping[0:4] = b"data"
threads = [threading.Thread(target=subprocess.check_call, args=(["true"],)) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
json.dumps(hashlib.sha256(open(sys.executable, "rb").read()).hexdigest())
END
