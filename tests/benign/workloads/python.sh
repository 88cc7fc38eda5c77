# A Python service on a volume: compiled modules, worker processes, shared memory, callbacks from C,
# an HTTP server, a database, archives.
set -e
mkdir -p /data/app/package
echo 'def double(number): return 2 * number' >/data/app/package/__init__.py
cat >/data/app/main.py <<'END'
import concurrent.futures, ctypes, http.server, multiprocessing.shared_memory, os, shutil, sqlite3
import subprocess, sys, tempfile, threading, urllib.request, zipfile
import package

COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))

def sort(numbers):
    array = (ctypes.c_int * len(numbers))(*numbers)
    ctypes.CDLL(None).qsort(array, len(array), 4, COMPARE(lambda a, b: a[0] - b[0]))
    return list(array)

if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(4) as pool:
        assert sum(pool.map(package.double, range(200))) == 39800
    assert sort([3, 1, 2]) == [1, 2, 3]
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=65536)
    memory.buf[:4] = b"data"
    memory.close()
    memory.unlink()
    os.chdir("/data/app")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever).start()
    for _ in range(20):
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/main.py") as answer:
            assert b"ThreadingHTTPServer" in answer.read()
    server.shutdown()
    with sqlite3.connect("/data/state.db") as database:
        database.execute("create table t (x)")
        database.executemany("insert into t values (?)", ((n,) for n in range(1000)))
    with tempfile.TemporaryDirectory() as directory:
        shutil.make_archive(f"{directory}/app", "zip", "/data/app")
        zipfile.ZipFile(f"{directory}/app.zip").extractall(f"{directory}/out")
        shutil.copytree("/data/app", f"{directory}/copy")
    for _ in range(10):
        subprocess.run([sys.executable, "-c", "import package"], check=True)
        subprocess.run("ls | sort | wc -l", shell=True, check=True, stdout=subprocess.DEVNULL)
END
cd /data/app
python3 main.py 2>/data/access.log
ls package/__pycache__/*.pyc >/dev/null
python3 -m compileall -q -f /data/app
