# Programs that give 0755 or 0777 to all they create: data, locks, and write to them again and again.
set -e
mkdir -p /var/lib/app
cd /var/lib/app
python3 - <<'END'
import fcntl, os
os.umask(0)
for name, mode in (("app.lock", 0o777), ("state.db", 0o755), ("cache.dat", 0o777)):
    for i in range(3):
        fd = os.open(name, os.O_RDWR | os.O_CREAT, mode)
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(fd, b"data")
        os.close(fd)
    assert os.stat(name).st_mode & 0o777 == mode
END
echo uploaded >upload.txt
chmod 777 upload.txt
echo more >>upload.txt
